import { type ChatClient, connectChat, fullTurn } from './agent/chat-client.ts'
import { echoLatencies } from './agent/echo.ts'
import { agentFromSource, withGateway } from './agent/gateway.ts'
import { type BenchModel, startModel } from './agent/model.ts'
import { measureOverhead, type Overhead } from './agent/overhead.ts'
import type { Bench, Row } from './bench.ts'
import { medianOf, throughput } from './load.ts'
import { percentile } from './measure.ts'
import type { Program } from './program.ts'

/** So many turns fill the conversation that is sent to the model. */
const WARM_UP = 150
const BATCHES = { batches: 10, turnsPerBatch: 40, asksPerBatch: 20 }
const SESSIONS = 8
const ROUNDS = 3
const TURNS_PER_ROUND = 800

/** The started gateway between a chat client and a model that answers at once. */
export const agentTurn: Bench = {
  name: 'agent-turn',
  run: async (): Promise<Row[]> => {
    const program = agentFromSource()
    const model = await startModel()
    try {
      const echo = await echoLatencies(1000)
      return [
        ...textRows(await overheadOf(program, model, 'text', 1), echo),
        ...toolRows(await overheadOf(program, model, 'one-call', 2), echo),
        await throughputRow(program, model),
        await sameCallRow(program, model),
        await firstRequestRow(program, model),
      ]
    } finally {
      await model.stop()
      program.remove()
    }
  },
}

function textRows({ turns, over, direct }: Overhead, echo: readonly number[]): Row[] {
  const what = "agent: text turn, over the model's own time"
  const beside = (share: number) => ({ what: 'bare WebSocket echo', value: percentile(echo, share) })
  return [
    { what, unit: 'ms p50', value: percentile(over, 0.5), target: { atMost: 5 }, beside: beside(0.5) },
    { what, unit: 'ms p99', value: percentile(over, 0.99), target: { atMost: 20 }, beside: beside(0.99) },
    {
      what: 'agent: text turn, as a whole',
      unit: 'ms p50',
      value: percentile(turns, 0.5),
      beside: { what: 'model asked directly', value: percentile(direct, 0.5) },
    },
  ]
}

function toolRows({ turns, over, direct }: Overhead, echo: readonly number[]): Row[] {
  return [
    {
      what: "agent: turn with one tool call, over the model's own time",
      unit: 'ms p50',
      value: percentile(over, 0.5),
      target: { atMost: 12 },
      beside: { what: 'bare WebSocket echo', value: percentile(echo, 0.5) },
    },
    {
      what: 'agent: turn with one tool call, as a whole',
      unit: 'ms p50',
      value: percentile(turns, 0.5),
      beside: { what: 'model asked twice directly', value: 2 * percentile(direct, 0.5) },
    },
  ]
}

async function overheadOf(program: Program, model: BenchModel, name: string, asksPerTurn: number): Promise<Overhead> {
  return await withGateway(program, { model: { name, ...model } }, async (gateway) => {
    const client = await connectChat(gateway)
    const turn = () => fullTurn(client, 'Is the build green?')
    for (let index = 0; index < WARM_UP; index++) await turn()
    const { last } = await model.report()
    const result = await measureOverhead({ turn, direct: () => model.ask(last!), asksPerTurn }, BATCHES)
    await client.close()
    return result
  })
}

async function throughputRow(program: Program, model: BenchModel): Promise<Row> {
  return await withGateway(program, { model: { name: 'text', ...model } }, async (gateway) => {
    const round = async () => {
      const clients = await Promise.all(Array.from({ length: SESSIONS }, () => connectChat(gateway)))
      const free = [...clients]
      const perSecond = await throughput(TURNS_PER_ROUND, SESSIONS, async () => {
        const client: ChatClient = free.pop()!
        await fullTurn(client, 'Is the build green?')
        free.push(client)
      })
      for (const client of clients) await client.close()
      return perSecond
    }
    await round()
    const value = await medianOf(ROUNDS, round)
    const { last } = await model.report()
    const direct = await throughput(TURNS_PER_ROUND, SESSIONS, () => model.ask(last!))
    return {
      what: `agent: turns, ${SESSIONS} sessions at once`,
      unit: 'per second',
      value,
      target: { atLeast: 300 },
      beside: { what: 'model asked directly', value: direct },
    }
  })
}

/** A model that asks for the same call for ever: how often it is asked until the owner is. */
async function sameCallRow(program: Program, model: BenchModel): Promise<Row> {
  return await withGateway(program, { model: { name: 'same-call', ...model } }, async (gateway) => {
    const before = (await model.report()).asked
    const client = await connectChat(gateway)
    const end = await client.say('What does the note say?')
    if (end.type !== 'approval.requested') throw new Error('the turn ended without a card')
    const { asked } = await model.report()
    await client.close()
    return {
      what: 'agent: calls of a model that repeats one for ever, until a card',
      unit: 'calls',
      value: asked - before,
      target: { atMost: 3 },
    }
  })
}

async function firstRequestRow(program: Program, model: BenchModel): Promise<Row> {
  return await withGateway(program, { model: { name: 'text', ...model }, wallet: true }, async (gateway) => {
    const client = await connectChat(gateway)
    await fullTurn(client, 'Is the build green?')
    await client.close()
    const { last, bytes } = await model.report()
    return {
      what: `agent: first request of a turn, ${last!.tools!.length} tools`,
      unit: 'bytes',
      value: bytes,
      target: { atMost: 8 * 1024 },
      beside: { what: 'its tools alone', value: Buffer.byteLength(JSON.stringify(last!.tools)) },
    }
  })
}
