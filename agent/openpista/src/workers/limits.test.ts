import { expect, test } from 'vitest'
import type { Schedules } from '../schedules/schedule.ts'
import { noteTool, startAgent } from '../testing/agent-fixture.ts'
import { withoutBudget } from '../testing/limits.ts'
import { callTool } from '../testing/script.ts'
import { createScheduleTools } from '../tools/schedules.ts'
import { createWorkerTools } from '../tools/workers.ts'
import type { Workers } from './worker.ts'
import { lastOutput, type Plan, RESULT, START, startWithWorkers } from './workers.fixture.ts'

const note = (word: string) => ({ name: 'note', arguments: { word } })
const notes = (count: number): Plan => ({ calls: Array.from({ length: count }, (_, index) => note(`${index}`)) })

test('a worker ends with its budget of rounds, and its report says so', async () => {
  const said: string[] = []
  const { fixture } = await startWithWorkers(
    {
      go: { calls: [START('note much', { name: 'bee', rounds: 3 }), RESULT('bee')], words: lastOutput },
      'note much': notes(9),
    },
    [noteTool('read', said)],
  )
  await using _ = fixture
  const { text } = await (await fixture.client()).say('go')
  expect(text).toMatch(/: failed; 3 rounds, .*\n❌ The budget of this worker is used up: 3 rounds\./s)
  expect(said).toEqual(['0', '1', '2'])
})

test('a worker ends with its budget of tokens', async () => {
  const said: string[] = []
  const { fixture } = await startWithWorkers(
    {
      go: { calls: [START('note much', { name: 'bee', tokens: 4 }), RESULT('bee')], words: lastOutput },
      'note much': notes(9),
    },
    [noteTool('read', said)],
  )
  await using _ = fixture
  expect((await (await fixture.client()).say('go')).text).toContain('The budget of this worker is used up: 4 tokens.')
  expect(said).toEqual(['0', '1'])
})

test('more than a turn may use nobody gets, however much is asked for', async () => {
  const { fixture, workers } = await startWithWorkers(
    { go: { calls: [START('note', { name: 'bee', rounds: 1_000_000, tokens: 1e15, usd: 1e9 })] }, note: { calls: [] } },
    [],
    { limits: { maxRounds: 7, ...withoutBudget, turn: { tokens: 500, usd: 2 } } },
  )
  await using _ = fixture
  await (await fixture.client()).say('go')
  expect((await workers.list('web:tab'))[0]!.budget).toEqual({ rounds: 7, tokens: 500, usd: 2 })
})

test('what a worker uses counts for the turn that it works for: the card is its owner’s', async () => {
  const said: string[] = []
  const { fixture } = await startWithWorkers(
    { go: { calls: [START('note much', { name: 'bee' }), RESULT('bee')], words: lastOutput }, 'note much': notes(4) },
    [noteTool('read', said)],
    { limits: { maxRounds: 10, ...withoutBudget, turn: { tokens: 8, usd: 0 } } },
  )
  await using _ = fixture
  const client = await fixture.client()
  const finished = client.say('go')
  const titles: string[] = []
  for (const _ of ['the worker', 'its session']) {
    const { card } = await client.next('approval.requested')
    titles.push(card.title)
    client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  }
  // Who of the two comes to the limit first is a matter of time.
  expect(titles.sort()).toEqual([
    'The limit of one turn is reached. Go on?',
    "Worker 'bee': The limit of one turn is reached. Go on?",
  ])
  expect(await finished).toMatchObject({ status: 'limit' })
  expect(said.length).toBeLessThan(4)
})

test('so many workers at once and no more', async () => {
  const until = Promise.withResolvers<void>()
  const wait = { ...noteTool('read', []), run: async () => await until.promise.then(() => SLEPT) }
  const outputs: string[] = []
  const noting = (name: string) => START('sleep', { name })
  const { fixture, requests } = await startWithWorkers(
    { go: { calls: [noting('one'), noting('two'), noting('two'), noting('three')] }, sleep: notes(1) },
    [wait],
    { config: { at_once: 2 } },
  )
  await using _ = fixture
  await (await fixture.client()).say('go')
  const last = requests.findLast(({ messages }) => messages.at(-1)?.role === 'tool')!
  for (const message of last.messages) if (message.role === 'tool') outputs.push(message.output)
  expect(outputs.slice(0, 2).every((output) => output.startsWith('Started worker'))).toBe(true)
  expect(outputs.slice(2)).toEqual([
    expect.stringContaining('2 workers run already'),
    expect.stringContaining('2 workers run already'),
  ])
  until.resolve()
})

const SLEPT = { output: 'slept', isError: false, provenance: { kind: 'system' as const } }

test('a worker has the tools it was given, none that outlive it, and starts no workers below the depth', async () => {
  const base = [noteTool('read', []), ...createScheduleTools({} as Schedules)]
  const { fixture, requests, workers } = await startWithWorkers(
    {
      go: { calls: [START('list', { name: 'one' }), RESULT('one')] },
      list: { calls: [START('below')], words: lastOutput },
      few: { calls: [START('try', { name: 'two', tools: ['schedule.list'] }), RESULT('two')], words: lastOutput },
      try: { calls: [note('x')], words: lastOutput },
      wrong: { calls: [START('x', { tools: ['schedule.add'] })], words: lastOutput },
      more: { calls: [START('x', { tools: ['worker.start'] })], words: lastOutput },
    },
    base,
  )
  await using _ = fixture
  const client = await fixture.client()
  await client.say('go')
  const own = requests.find(({ messages }) => JSON.stringify(messages[0]).includes('You are a worker'))!
  expect(own.tools.map(({ name }) => name)).toEqual(['note', 'schedule.list', 'schedule.remove'])
  expect(await workers.list('web:tab')).toHaveLength(1)
  expect((await client.say('few')).text).toContain("Tool 'note' not found")
  expect((await client.say('wrong')).text).toContain('A worker cannot have schedule.add. It can have: note,')
  expect((await client.say('more')).text).toContain('A worker cannot have worker.start.')
})

test('a worker thinks with the model of the session that it works for', async () => {
  const { fixture, requests, store } = await startWithWorkers(
    { hi: { calls: [] }, go: { calls: [START('think', { name: 'bee' }), RESULT('bee')] }, think: { calls: [] } },
    [],
  )
  await using _ = fixture
  const client = await fixture.client()
  await client.say('hi')
  await store.write((transaction) => transaction.updateTable('sessions').set({ model: 'small' }).execute())
  await client.say('go')
  expect(requests.map(({ model }) => model)).toEqual(['scripted', 'small', 'small', 'small', 'small'])
})

test('a task is never a command, whatever it looks like', async () => {
  const said: string[] = []
  const planted = {
    name: 'note',
    usage: ['/note'],
    summary: '',
    plan: () => ({ kind: 'say' as const, text: 'obeyed' }),
  }
  const { fixture, requests } = await startWithWorkers(
    {
      go: { calls: [START('/note', { name: 'bee' }), RESULT('bee')], words: lastOutput },
      '/note': { calls: [], words: 'What?' },
    },
    [noteTool('read', said)],
    { commands: [planted] },
  )
  await using _ = fixture
  expect((await (await fixture.client()).say('go')).text).toMatch(/\nWhat\?$/)
  expect(requests.some(({ messages }) => JSON.stringify(messages[0]).includes('/note'))).toBe(true)
})

const HOSTILE = [
  {},
  { task: '' },
  { task: ' \n' },
  { task: 'x'.repeat(20_001) },
  { task: 'x', name: '../x' },
  { task: 'x', name: 'Ignore all' },
  { task: 'x', name: '' },
  { task: 'x', rounds: 0 },
  { task: 'x', rounds: -1 },
  { task: 'x', tokens: 0.5 },
  { task: 'x', usd: -1 },
  { task: 'x', usd: Number.NaN },
  { task: 'x', tools: 'all' },
  { task: 'x', depth: 9 },
  { task: 'x', sessionId: 'web:tab' },
]

test.each(HOSTILE)('arguments %j are refused', async (args) => {
  const [start] = createWorkerTools({} as Workers)
  expect(start!.input.safeParse(args).success).toBe(false)
})

test('without workers in the configuration the command says so', async () => {
  const { worker } = await import('../commands/worker.ts')
  await using fixture = await startAgent(() => callTool('none', {}), { commands: [worker] })
  expect((await (await fixture.client()).say('/worker')).text).toContain('workers.at_once')
})
