import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { createHostExecutor } from '../executors/host.ts'
import type { WorkerReport, Workers } from '../workers/worker.ts'
import { toolConformance } from './tool.conformance.ts'
import { createWorkerTools } from './workers.ts'

const bee: WorkerReport = {
  ...{ id: 'b33', name: 'bee', state: 'done', budget: { rounds: 3, tokens: 0, usd: 0 } },
  ...{ used: { rounds: 2, tokens: 1200, cost: 12_300_000_000n }, startedAt: 0, endedAt: 4000 },
  text: 'x'.repeat(9000),
  sources: [
    { kind: 'web', url: 'https://a.example/' },
    { kind: 'file', path: '/b' },
  ],
}
const workers: Workers = {
  start: async ({ name }) => (name === 'wasp' ? { ok: false, message: 'There is one.' } : { ok: true, worker: bee }),
  list: async () => [bee],
  result: async (_session, worker) => (worker === 'bee' ? bee : undefined),
  cancel: async (_session, worker) => worker === 'bee',
}
const cases = {
  'worker.start': { valid: { task: 'look' }, failing: { arguments: { task: 'look', name: 'wasp' } } },
  'worker.status': { valid: {}, failing: undefined },
  'worker.result': { valid: { worker: 'bee' }, failing: { arguments: { worker: 'wasp' } } },
  'worker.cancel': { valid: { worker: 'bee' }, failing: { arguments: { worker: 'wasp' } } },
} as const

const tools = createWorkerTools(workers)
const contextOf = (signal: AbortSignal) => ({
  ...{ sessionId: 's', turnId: 't', callId: 'c', workspace: tmpdir(), signal, emit: () => {} },
  exec: createHostExecutor(process.env),
})
for (const tool of tools) {
  const { valid, failing } = cases[tool.name as keyof typeof cases]
  if (failing !== undefined) toolConformance({ tool, valid, failing }, contextOf)
}

test('every tool about workers is in this suite', () => {
  expect(tools.map(({ name }) => name)).toEqual(Object.keys(cases))
})

test('a report is given in parts, with everybody whose words it may be', async () => {
  const result = tools.find(({ name }) => name === 'worker.result')!
  const read = async (offset: number) =>
    await result.run(result.input.parse({ worker: 'bee', offset }), contextOf(new AbortController().signal))
  const head = '[Report of worker bee (b33): done; 2 rounds, 1,200 tokens, $0.0123, 4 s; '
  expect(await read(0)).toEqual({
    output: `${head}1970-01-01T00:00:00.000Z to 1970-01-01T00:00:04.000Z]\n${'x'.repeat(8000)}\n[cut: characters 0 to 8000 of 9000; go on with offset 8000]`,
    isError: false,
    provenance: bee.sources[0],
    alsoFrom: [bee.sources[1]],
  })
  expect((await read(8000)).output).toMatch(/\]\nx{1000}$/)
})
