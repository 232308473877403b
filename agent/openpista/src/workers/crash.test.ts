import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { verifyAudit } from '../store/audit.ts'
import { openStore, type Store } from '../store/store.ts'
import { noteTool } from '../testing/agent-fixture.ts'
import { createChannelDouble } from '../testing/channel-double.ts'
import { allow, lastOutput, type Plan, RESULT, START, startWithWorkers } from './workers.fixture.ts'

const plans: Record<string, Plan> = {
  go: { calls: [START('note it', { name: 'bee' }), RESULT('bee')], words: lastOutput },
  'note it': { calls: [{ name: 'note', arguments: { word: 'hi' } }], words: 'It is noted.' },
}

/** A store that writes no more from one write on, counted from `begin`, as if the program were killed right before it. */
function doomed(store: Store, at: number) {
  let writes = Number.NEGATIVE_INFINITY
  const died = Promise.withResolvers<'died'>()
  const write: Store['write'] = (work) => {
    writes += 1
    if (writes >= at) died.resolve('died')
    return writes >= at ? new Promise(() => {}) : store.write(work)
  }
  return { store: { ...store, write }, died: died.promise, begin: () => (writes = 0) }
}

async function life(store: Store, notes: string[]) {
  const letters = createChannelDouble()
  const parts = { store, channels: [letters.definition], approvals: { rules: [allow('**')] } }
  const { fixture } = await startWithWorkers(plans, [noteTool('exec', notes)], parts)
  return { letters, fixture }
}

const idle = async ({ db }: Store) => {
  const turns = await db.selectFrom('turns').select('id').where('state', '=', 'RUNNING').execute()
  const workers = await db.selectFrom('workers').select('id').where('state', '=', 'running').execute()
  const inbox = await db.selectFrom('inbox').select('id').where('state', '<>', 'DONE').execute()
  const outbox = await db.selectFrom('outbox').select('id').where('state', '=', 'WAITING').execute()
  return turns.length + workers.length + inbox.length + outbox.length
}

/** Kills the agent at one write, starts another on the same database, and looks at what is left in the end. */
async function crashOnce(at: number): Promise<boolean> {
  const store = await openStore(':memory:')
  const notes: string[] = []
  const doom = doomed(store, at)
  const first = await life(doom.store, notes)
  doom.begin()
  const admitted = first.letters.receive('1', 'go')
  const answered = admitted.then(() => first.letters.delivered('text')).then(() => 'answered')
  const died = (await Promise.race([doom.died, answered])) === 'died'
  const second = await life(store, notes)
  await second.letters.receive('1', 'go')
  await expect.poll(() => idle(store)).toBe(0)
  const workers = await store.db.selectFrom('workers').select(['state', 'report']).execute()
  expect(workers).toEqual([{ state: 'done', report: 'It is noted.' }])
  const inbox = await store.db.selectFrom('inbox').select('platform_id').orderBy('id').execute()
  expect(inbox.map(({ platform_id }) => platform_id.replace(/[0-9a-f]{12}/, ''))).toEqual([
    'ann/1',
    '/task',
    'ann/report:',
  ])
  const calls = await store.db.selectFrom('tool_calls').select('state').where('name', '=', 'note').execute()
  expect(calls).toHaveLength(1)
  expect(notes.length).toBeLessThanOrEqual(1)
  if (calls[0]!.state === 'FINISHED') expect(notes).toEqual(['hi'])
  const answers = await store.db.selectFrom('outbox').select('body').where('session_id', '=', 'letters:ann').execute()
  expect(answers).toHaveLength(1)
  expect(answers[0]!.body).toContain('It is noted.')
  expect(await verifyAudit(store.db)).toMatchObject({ ok: true })
  rmSync(first.fixture.home, { recursive: true, force: true })
  await second.fixture[Symbol.asyncDispose]()
  return died
}

test('killed at any write, a worker is started once, ends, and reports once', async () => {
  let at = 1
  while (await crashOnce(at)) at += 1
  expect(at).toBeGreaterThan(8)
})

test('the card of a worker that was killed is closed in the session of its owner, and asked anew', async () => {
  const store = await openStore(':memory:')
  const doom = doomed(store, 1)
  const asking = async (of: Store) => {
    const letters = createChannelDouble()
    const rules = [allow('worker.*')]
    const { fixture } = await startWithWorkers(plans, [noteTool('exec', [])], {
      ...{ store: of, channels: [letters.definition], approvals: { rules } },
    })
    return { letters, fixture }
  }
  const first = await asking(doom.store)
  await first.letters.receive('1', 'go')
  const { card } = await first.letters.delivered('card')
  const undelivered = store.db.selectFrom('outbox').select('id').where('state', '=', 'WAITING')
  await expect.poll(() => undelivered.execute()).toEqual([])
  doom.begin()
  const second = await asking(store)
  await using _ = second.fixture
  expect(await second.letters.delivered('card.resolved')).toMatchObject({ cardId: card.id, outcome: 'expired' })
  const { card: again } = await second.letters.delivered('card')
  expect(again).toMatchObject({ title: card.title, reason: card.reason })
  await second.letters.answer(again.id, 'approve')
  expect((await second.letters.delivered('text')).text).toContain('It is noted.')
  rmSync(first.fixture.home, { recursive: true, force: true })
})
