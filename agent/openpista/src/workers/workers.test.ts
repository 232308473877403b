import { expect, test } from 'vitest'
import { noteTool } from '../testing/agent-fixture.ts'
import { createChannelDouble } from '../testing/channel-double.ts'
import type { Tool } from '../tools/tool.ts'
import { lastOutput, RESULT, START, startWithWorkers } from './workers.fixture.ts'

/** A tool that waits until it is told to end, or is stopped. */
function gate() {
  const begun = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const tool: Tool = {
    ...noteTool('read', []),
    name: 'wait',
    run: async (_input, { signal }) => {
      begun.resolve()
      const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve))
      await Promise.race([open.promise, stopped])
      return { output: 'waited', isError: false, provenance: { kind: 'system' } }
    },
  }
  return { tool, begun: begun.promise, open: open.resolve }
}

const WAIT = { name: 'wait', arguments: { word: 'x' } }
const STATUS = { name: 'worker.status', arguments: {} }

test('a worker does its task in a session of its own, and its report comes back', async () => {
  const notes: string[] = []
  const note = noteTool('read', notes)
  const { fixture, requests, store } = await startWithWorkers(
    {
      go: { calls: [START('note it', { name: 'bee' }), RESULT('bee')], words: lastOutput },
      'note it': { calls: [{ name: 'note', arguments: { word: 'hi' } }], words: 'It is noted.' },
    },
    [note],
  )
  await using _ = fixture
  const client = await fixture.client()
  const { text } = await client.say('go')
  expect(text).toMatch(/^\[Report of worker bee \([0-9a-f]{12}\): done; 2 rounds, 4 tokens, .*\]\nIt is noted\.$/)
  expect(notes).toEqual(['hi'])
  const own = requests.filter(({ messages }) => JSON.stringify(messages[0]).includes('You are a worker'))
  expect(own.map(({ tools }) => tools.map(({ name }) => name))).toEqual([['note'], ['note']])
  expect(own[0]!.messages).toHaveLength(1)
  expect(await store.db.selectFrom('workers').select(['state', 'parent_id']).execute()).toEqual([
    { state: 'done', parent_id: 'web:tab' },
  ])
  expect((await client.say('/worker')).text).toMatch(/^bee \(.*\): done; /)
  expect(await fixture.agent.gateway.list()).toHaveLength(1)
})

test('a report that nobody waits for is stored in the session and read in its next turn', async () => {
  const { tool, open } = gate()
  const { fixture, requests } = await startWithWorkers(
    {
      go: { calls: [START('be slow', { name: 'bee' })], words: 'It is on its way.' },
      'be slow': { calls: [WAIT], words: 'It took long.' },
      next: { calls: [], words: 'I see.' },
    },
    [tool],
  )
  await using _ = fixture
  const client = await fixture.client()
  await client.say('go')
  await client.next('message.stored')
  open()
  const stored = await client.next('message.stored')
  expect(stored).toMatchObject({
    source: { trusted: true },
    text: expect.stringMatching(/: done; .*\nIt took long\.$/s),
  })
  const again = await fixture.client({ clientId: 'other', sessionId: 'web:tab' })
  const welcome = again.frames.findLast((frame) => frame.type === 'welcome')
  expect(welcome).toMatchObject({
    running: false,
    history: expect.arrayContaining([expect.objectContaining({ text: stored.text })]),
  })
  await client.say('next')
  const roles = requests.at(-1)!.messages.map(({ role }) => role)
  expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant', 'user', 'user'])
  expect(requests.at(-1)!.messages.at(-2)).toMatchObject({ parts: [{ text: stored.text }] })
})

test('a report that comes during a turn is read in its next round', async () => {
  const { tool, begun, open } = gate()
  const { fixture, requests } = await startWithWorkers(
    {
      go: { calls: [START('be quick', { name: 'bee' }), WAIT], words: 'Both done.' },
      'be quick': { calls: [], words: 'It was quick.' },
    },
    [tool],
  )
  await using _ = fixture
  const client = await fixture.client()
  const finished = client.say('go')
  await client.next('message.stored')
  await begun
  await client.next('message.stored')
  open()
  expect(await finished).toMatchObject({ status: 'stop', text: 'Both done.' })
  const inTurn = requests
    .at(-1)!
    .messages.slice(1)
    .filter(({ role }) => role === 'user')
  expect(JSON.stringify(inTurn)).toContain('It was quick.')
})

test('on a messenger the owner is told that a worker has ended, once', async () => {
  const { tool, open } = gate()
  const letters = createChannelDouble()
  const { fixture, store } = await startWithWorkers(
    {
      go: { calls: [START('be slow', { name: 'bee' })], words: 'Later.' },
      'be slow': { calls: [WAIT], words: 'Found it.' },
    },
    [tool],
    { channels: [letters.definition] },
  )
  await using _ = fixture
  await letters.receive('1', 'go')
  expect((await letters.delivered('text')).text).toBe('Later.')
  open()
  expect((await letters.delivered('text')).text).toBe("Worker 'bee': done.\nFound it.")
  const sent = await store.db.selectFrom('outbox').select('id').where('channel', '=', 'letters').execute()
  expect(sent).toHaveLength(2)
})

test('cancel in a session stops its workers, and a command stops one', async () => {
  const { tool, begun } = gate()
  const { fixture, workers } = await startWithWorkers(
    {
      go: { calls: [START('wait for ever', { name: 'bee' })], words: 'Started.' },
      again: { calls: [START('wait for ever', { name: 'wasp' }), RESULT('wasp')], words: lastOutput },
      'wait for ever': { calls: [WAIT] },
      look: { calls: [RESULT('bee')], words: lastOutput },
    },
    [tool],
  )
  await using _ = fixture
  const client = await fixture.client()
  await client.say('go')
  await begun
  await client.next('message.stored')
  expect((await client.say('/worker cancel nobody')).text).toContain('❌ No worker')
  expect((await client.say('/worker cancel bee')).text).toBe('Stopped.')
  expect((await client.say('look')).text).toMatch(/^\[Report of worker bee .*: cancelled; .*\nCancelled\.$/s)
  const finished = client.say('again')
  await expect.poll(async () => (await workers.list('web:tab'))[0]?.name).toBe('wasp')
  client.send({ type: 'cancel' })
  expect(await finished).toMatchObject({ status: 'aborted' })
  await expect.poll(async () => (await client.say('/worker')).text).toMatch(/^wasp .*: cancelled; /)
})

test('a worker that is stopped at once does nothing, however far its start has come', async () => {
  const { tool } = gate()
  const plans = {
    go: {
      calls: [
        START('wait for ever', { name: 'bee' }),
        { name: 'worker.cancel', arguments: { worker: 'bee' } },
        RESULT('bee'),
      ],
      words: lastOutput,
    },
    'wait for ever': { calls: [WAIT] },
  }
  const { fixture } = await startWithWorkers(plans, [tool])
  await using _ = fixture
  expect((await (await fixture.client()).say('go')).text).toMatch(/^\[Report of worker bee .*: cancelled; /)
})

test('what others tell about the work of a worker comes to the session of its owner', async () => {
  const { tool, begun } = gate()
  const plans = {
    go: { calls: [START('wait for ever', { name: 'bee' })], words: 'Started.' },
    'wait for ever': { calls: [WAIT] },
  }
  const { fixture, store } = await startWithWorkers(plans, [tool])
  await using _ = fixture
  const client = await fixture.client()
  await client.say('go')
  await begun
  const worker = await store.db.selectFrom('workers').select('session_id').executeTakeFirstOrThrow()
  await fixture.agent.announcer.notice(worker.session_id, 'The payment went out.', 'success')
  expect(await client.next('notice')).toMatchObject({ sessionId: 'web:tab', text: 'The payment went out.' })
})

test('a worker that the program cut off is reported as interrupted at its next start', async () => {
  const { tool, begun } = gate()
  const plans = {
    go: { calls: [START('wait for ever', { name: 'bee' })], words: 'Started.' },
    'wait for ever': { calls: [WAIT] },
    look: { calls: [RESULT('bee', 0)], words: lastOutput },
  }
  const first = await startWithWorkers(plans, [tool])
  const store = { ...first.store, close: async () => {} }
  await (await first.fixture.client()).say('go')
  await begun
  await first.fixture.agent.stop(0)
  const { fixture } = await startWithWorkers(plans, [tool], { store })
  const client = await fixture.client()
  await expect.poll(async () => (await client.say('look')).text).toMatch(/^\[Report of worker bee .*: interrupted; /)
  await fixture[Symbol.asyncDispose]()
  await first.fixture[Symbol.asyncDispose]()
})

test('a session that is removed takes its workers with it', async () => {
  const { tool, begun } = gate()
  const { fixture, store } = await startWithWorkers(
    { go: { calls: [START('wait for ever')], words: 'Started.' }, 'wait for ever': { calls: [WAIT] } },
    [tool],
  )
  await using _ = fixture
  await (await fixture.client()).say('go')
  await begun
  await fixture.agent.gateway.remove('web:tab')
  expect(await store.db.selectFrom('workers').selectAll().execute()).toEqual([])
  expect(await store.db.selectFrom('sessions').select('id').execute()).toEqual([])
})

test('what a session does not know of workers of another it cannot read or stop', async () => {
  const { tool } = gate()
  const { fixture } = await startWithWorkers(
    {
      go: { calls: [START('wait for ever', { name: 'bee' })], words: 'Started.' },
      'wait for ever': { calls: [WAIT] },
      peek: { calls: [RESULT('bee', 0)], words: lastOutput },
      list: { calls: [STATUS], words: lastOutput },
    },
    [tool],
  )
  await using _ = fixture
  await (await fixture.client()).say('go')
  const other = await fixture.client({ clientId: 'other' })
  expect((await other.say('peek')).text).toContain('no worker of that id')
  expect((await other.say('list')).text).toBe('There are no workers.')
  expect((await other.say('/worker cancel bee')).text).toContain('❌')
})
