import { setTimeout as sleep } from 'node:timers/promises'
import { connectChat, fullTurn } from './agent/chat-client.ts'
import { installedAgent } from './agent/forms.ts'
import { agentFromSource, withGateway } from './agent/gateway.ts'
import { startModel } from './agent/model.ts'
import type { Bench, Row } from './bench.ts'
import { throughput } from './load.ts'
import { memoryOf } from './process-usage.ts'

const SESSIONS = 8
const LOOKS = [2_000, 6_000, 10_000]
const SETTLE_MILLIS = 2_000

/** What the gateway holds after many turns. Flat means: the last figure is not above the first. */
export const agentMemory: Bench = {
  name: 'agent-memory',
  run: async (): Promise<Row[]> => {
    const program = (await installedAgent()) ?? agentFromSource()
    const model = await startModel()
    try {
      const looks = await withGateway(program, { model: { name: 'text', ...model } }, async (gateway) => {
        const free = await Promise.all(Array.from({ length: SESSIONS }, () => connectChat(gateway)))
        const found: number[] = []
        let done = 0
        for (const turns of LOOKS) {
          await throughput(turns - done, SESSIONS, async () => {
            const client = free.pop()!
            await fullTurn(client, 'Is the build green?')
            free.push(client)
          })
          done = turns
          await sleep(SETTLE_MILLIS)
          found.push(memoryOf(gateway.process.pid).rss)
        }
        for (const client of free) await client.close()
        return found
      })
      return LOOKS.map((turns, index) => memoryRow(program.name, turns, looks[index]!, looks[0]!))
    } finally {
      await model.stop()
      program.remove()
    }
  },
}

function memoryRow(form: string, turns: number, value: number, first: number): Row {
  return {
    what: `agent: resident memory after ${turns.toLocaleString('en-US')} turns, ${SESSIONS} sessions, ${form}`,
    unit: 'MiB RSS',
    value,
    target: { atMost: 130 },
    ...(turns === LOOKS[0] ? {} : { beside: { what: `after ${LOOKS[0]!.toLocaleString('en-US')}`, value: first } }),
  }
}
