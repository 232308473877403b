import { setTimeout as sleep } from 'node:timers/promises'
import { type BareNode, everyForm, mediansBeside, millisOf, withBareNode } from './agent/forms.ts'
import { makeAgentHome, withGateway } from './agent/gateway.ts'
import type { Bench, Row } from './bench.ts'
import { memoryOf, processorMillisOf } from './process-usage.ts'
import type { Program } from './program.ts'

const STARTS = 7
/** Some seconds after a start V8 collects its garbage once more, which is not what a gateway takes for good. */
const SETTLE_MILLIS = 15_000
const IDLE_SECONDS = 20

/** How long `openpista start` takes until it is ready, and what the gateway takes while nobody speaks to it. */
export const agentStart: Bench = {
  name: 'agent-start',
  run: () =>
    withBareNode((node) =>
      everyForm(async (program) => [await startRow(program, node), ...(await idleRows(program, node))]),
    ),
}

async function startRow(program: Program, node: BareNode): Promise<Row> {
  const home = makeAgentHome(program, {})
  const startOnce = async () => {
    let stop = async () => {}
    const millis = await millisOf(async () => {
      stop = (await home.start()).process.stop
    })
    await stop()
    return millis
  }
  try {
    await startOnce()
    return {
      what: `agent ${program.name}: spawn to ready`,
      unit: 'ms',
      target: { atMost: 500 },
      ...(await mediansBeside(STARTS, node, startOnce)),
    }
  } finally {
    home.remove()
  }
}

async function idleRows(program: Program, node: BareNode): Promise<Row[]> {
  return await withGateway(program, {}, async ({ process: { pid } }) => {
    await sleep(SETTLE_MILLIS)
    const { rss, pss } = memoryOf(pid)
    const before = processorMillisOf(pid)
    await sleep(IDLE_SECONDS * 1000)
    const idle = (processorMillisOf(pid) - before) / IDLE_SECONDS
    const what = `agent ${program.name}: resident memory idle`
    const beside = { what: 'node that waits', value: await node.memory() }
    return [
      { what, unit: 'MiB RSS', value: rss, target: { atMost: 80 }, beside },
      { what, unit: 'MiB PSS', value: pss },
      { what: `agent ${program.name}: processor time idle`, unit: 'ms per s', value: idle, target: { atMost: 1 } },
    ]
  })
}
