import { expect, test } from 'vitest'
import { noteTool } from '../testing/agent-fixture.ts'
import { lastOutput, RESULT, START, startWithWorkers } from './workers.fixture.ts'

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
