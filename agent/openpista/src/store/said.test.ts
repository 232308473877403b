import { expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import { appendMessage } from './conversation.ts'
import { searchSaid } from './said.ts'
import { openStore } from './store.ts'

const owner: Provenance = { kind: 'owner', channel: 'web' }
const person: Provenance = { kind: 'person', channel: 'telegram', user: 'bob' }

async function withSessions() {
  const store = await openStore(':memory:')
  const say = (sessionId: string, text: string, provenance: Provenance | null) =>
    store.write(async (transaction) => {
      const session = { id: sessionId, channel: 'web', address: '{}', title: `about ${sessionId}`, model: null }
      await transaction
        .insertInto('sessions')
        .values({ ...session, seq: 0, created_at: 1, updated_at: 1 })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      const message: Message =
        provenance === null
          ? { role: 'assistant', text, thinking: [], calls: [] }
          : { role: 'user', parts: [{ type: 'text', text, provenance }] }
      await appendMessage(transaction, { sessionId, turnId: null, at: Date.now() }, message)
    })
  const find = async (sessionId: string, ...words: string[]) =>
    (await searchSaid(store.db, sessionId, words, 10)).map(
      ({ sessionId: where, by, text }) => `${where} ${by}: ${text}`,
    )
  return { store, say, find }
}

test('what was said is found by its words, here and in the owner’s other sessions', async () => {
  const { store, say, find } = await withSessions()
  await say('one', 'My grey mallard is called Émile', owner)
  await say('one', 'A fine name for a mallard.', null)
  await say('two', 'What is my duck called?', owner)
  expect(await find('two', 'emile')).toEqual(['one owner: My grey mallard is called Émile'])
  expect(await find('two', 'mall', 'name')).toEqual(['one agent: A fine name for a mallard.'])
  expect((await find('two', 'mallard', 'goose')).sort()).toHaveLength(2)
  expect(await find('two', 'goose')).toEqual([])
  await store.close()
})

test('the words of one person never show to another, nor the owner’s in a session with others', async () => {
  const { store, say, find } = await withSessions()
  await say('private', 'the secret is swordfish', owner)
  await say('group', 'hello swordfish', owner)
  await say('group', 'what is the swordfish?', person)
  await say('bob', 'my swordfish', person)
  await say('bob', 'your swordfish is blue', null)
  expect(await find('private', 'swordfish')).toEqual(['private owner: the secret is swordfish'])
  expect((await find('group', 'swordfish')).sort()).toEqual([
    'group owner: hello swordfish',
    'group person: what is the swordfish?',
  ])
  expect((await find('bob', 'swordfish')).sort()).toEqual([
    'bob agent: your swordfish is blue',
    'bob person: my swordfish',
  ])
  expect((await searchSaid(store.db, 'group', ['hello'], 5)).map(({ title }) => title)).toEqual(['group'])
  await store.close()
})

test('a session that is deleted takes its words along; no word of a query is an operator', async () => {
  const { store, say, find } = await withSessions()
  await say('one', 'swordfish NEAR column* "quoted"', owner)
  for (const words of [['NEAR'], ['"'], ['quoted"'], ['column:*'], ['text:swordfish'], ['OR'], ['-']]) {
    await expect(find('one', ...words)).resolves.toBeInstanceOf(Array)
  }
  await store.write((transaction) => transaction.deleteFrom('sessions').where('id', '=', 'one').execute())
  await say('two', 'hello', owner)
  expect(await find('two', 'swordfish')).toEqual([])
  await store.close()
})
