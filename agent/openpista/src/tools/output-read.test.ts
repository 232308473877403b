import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ApprovalConfig } from '../approvals/rules.ts'
import { output as outputCommand } from '../commands/output.ts'
import { createHostExecutor } from '../executors/host.ts'
import { resolveRoots } from '../executors/roots.ts'
import { createOutputs } from '../store/outputs.ts'
import { openStore } from '../store/store.ts'
import { startAgent } from '../testing/agent-fixture.ts'
import { callTool, type Script, sayText } from '../testing/script.ts'
import { keepWhole } from './keep-whole.ts'
import { createOutputRead } from './output-read.ts'
import { createSystemRun } from './system-run.ts'
import { toolConformance } from './tool.conformance.ts'
import type { Tool } from './tool.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'output-read-')))
const roots = resolveRoots({ workspace: join(home, 'workspace'), writable: [], readable: [], home })
afterAll(() => rmSync(home, { recursive: true }))

const page = { kind: 'web', url: 'https://ducks.example/' } as const
const kept = { callId: 'c', tool: 'web.fetch', text: 'ducks', offset: 0, total: 9, sources: [page] }
toolConformance(
  {
    tool: createOutputRead(async (_, call) => (call === 'gone' ? undefined : kept), []) as unknown as Tool,
    valid: { call: 'c' },
    failing: { arguments: { call: 'gone' } },
  },
  (signal) => ({
    ...{ sessionId: 's', turnId: 't', callId: 'x', workspace: home, exec: createHostExecutor(process.env), signal },
    emit: () => {},
  }),
)

/** Prints its own line numbers, so that a gap or a repeat shows. */
const COUNT = 'seq 1 30000; seq 1 9000 >&2'

async function startWith(script: Script) {
  const store = await openStore(':memory:')
  const outputs = createOutputs(store, Date.now, { days: 1, chars: 10_000_000 })
  const tools = [createSystemRun(roots), createOutputRead(outputs.read, ['system.run'])] as unknown as Tool[]
  return await startAgent(script, {
    store,
    tools: tools.map((tool) => keepWhole(tool, outputs.keep)),
    commands: [outputCommand],
    executor: createHostExecutor(process.env),
    workspace: roots.workspace,
    approvals: ApprovalConfig.parse({ rules: [{ name: 'all', tool: 'system.run', decision: 'allow' }] }),
  })
}

test('a model that goes on where the mark says gets every character of what was cut, once, as a stranger’s words', async () => {
  const outputs: string[] = []
  const script: Script = ({ messages }) => {
    const last = messages.at(-1)
    if (last?.role !== 'tool') return callTool('system.run', { command: COUNT })
    outputs.push(last.output)
    expect(last.provenance).toEqual({ kind: 'tool', tool: 'system.run' })
    const cut =
      outputs.length === 1 ? /stdout cut .* call "(\w+)" and offset (\d+)\]/ : /call (\w+): .* offset (\d+)\]$/
    const [, call, offset] = cut.exec(last.output) ?? []
    if (call === undefined || outputs.length === 9) return sayText('Enough.')
    return callTool('output.read', { call, offset: Number(offset), limit: 15_000 }, `read_${outputs.length}`)
  }
  await using fixture = await startWith(script)
  const client = await fixture.client()
  expect(await client.say('count')).toMatchObject({ status: 'stop', text: 'Enough.' })
  const [first = '', ...more] = outputs
  const begun = first.slice('stdout:\n'.length, first.indexOf('\n[stdout cut'))
  const read = begun + more.map((text) => text.slice(0, text.lastIndexOf('\n['))).join('')
  const numbers = Array.from({ length: 30_000 }, (_, index) => `${index + 1}\n`).join('')
  expect(begun).toHaveLength(5_000)
  expect(read.length).toBeGreaterThan(100_000)
  expect(numbers.startsWith(read)).toBe(true)
  const frames = client.frames.filter((frame) => frame.type === 'tool.output')
  expect(frames.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(10_000)
})

test('the end is read from behind, and a person reads on with /output', async () => {
  const script: Script = ({ messages }) => {
    const last = messages.at(-1)
    return last?.role === 'tool' ? sayText('done') : callTool('system.run', { command: COUNT })
  }
  await using fixture = await startWith(script)
  const client = await fixture.client()
  await client.say('count')
  await client.say('/output -30')
  const shown = client.frames.findLast((frame) => frame.type === 'tool.finished')
  expect(shown?.output).toMatch(
    /8998\n8999\n9000\nexit_code: 0\n\[system\.run, call call_1: characters \d+ to (\d+) of \1\]$/,
  )
  await client.say('/output call_1 100000')
  expect(client.frames.findLast((frame) => frame.type === 'tool.finished')?.output).toContain(
    'characters 100000 to 110000 of',
  )
  await client.say('/output call_9')
  expect(client.frames.findLast((frame) => frame.type === 'tool.finished')).toMatchObject({
    isError: true,
    output: 'No output of a call call_9 is kept in this session.',
  })
})

test.each([
  ['', {}],
  ['20', { offset: 20 }],
  ['-20', { offset: -20 }],
  ['0199-ab', { call: '0199-ab' }],
  ['call_1 7', { call: 'call_1', offset: 7 }],
])('/output %s', async (args, expected) => {
  const step = await outputCommand.plan(args, 's', { kind: 'owner', channel: 'web' })
  expect(step).toEqual({ kind: 'call', tool: 'output.read', arguments: expected })
})
