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
    (await searchSaid(store, sessionId, words, 10)).map(({ sessionId: where, by, text }) => `${where} ${by}: ${text}`)
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
  expect((await searchSaid(store, 'group', ['hello'], 5)).map(({ title }) => title)).toEqual(['group'])
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

test('what is said is found whenever it is searched, in between and after a deletion, each message once', async () => {
  const { store, say, find } = await withSessions()
  await say('old', 'swordfish 0', owner)
  await say('new', 'swordfish 1', owner)
  expect(await find('old', 'swordfish')).toHaveLength(2)
  await store.write((transaction) => transaction.deleteFrom('sessions').where('id', '=', 'new').execute())
  await say('old', 'swordfish 2', owner)
  await say('old', 'swordfish 3', owner)
  expect(await find('old', 'swordfish')).toHaveLength(3)
  expect(await find('old', 'swordfish')).toHaveLength(3)
  await store.close()
})

test('thousands of messages are indexed by one search', async () => {
  const { store, say, find } = await withSessions()
  await say('one', 'first', owner)
  await store.write(async (transaction) => {
    for (let position = 2; position <= 4_500; position++) {
      const message: Message = { role: 'assistant', text: `swordfish ${position}`, thinking: [], calls: [] }
      await appendMessage(transaction, { sessionId: 'one', turnId: null, at: position }, message)
    }
  })
  expect(await find('one', '4500')).toEqual(['one agent: swordfish 4500'])
  expect(await find('one', '2')).not.toEqual([])
  await store.close()
})
