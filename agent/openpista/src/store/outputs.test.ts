import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import { appendClear, appendMessage } from './conversation.ts'
import { createOutputs } from './outputs.ts'
import { openStore } from './store.ts'

const page = { kind: 'web', url: 'https://ducks.example/' } as const
const file = { kind: 'file', path: '/ducks' } as const
const DAY = 24 * 60 * 60_000

async function withOutputs(limits = { days: 30, chars: 10_000_000 }) {
  const store = await openStore(':memory:')
  let now = 1_000
  const session = (id: string) =>
    store.write((transaction) =>
      transaction
        .insertInto('sessions')
        .values({ id, channel: 'web', address: '{}', title: id, model: null, seq: 0, created_at: 0, updated_at: 0 })
        .execute(),
    )
  await session('one')
  await session('two')
  const { keep, read } = createOutputs(store, () => now, limits)
  const owner = (callId: string, sessionId = 'one') => ({ sessionId, callId, tool: 'web.fetch' })
  const all = { offset: 0, limit: 100_000_000 }
  return { store, keep, read, owner, all, pass: (ms: number) => (now += ms) }
}

test('any part of any text comes back as it was', async () => {
  const { store, keep, read, owner } = await withOutputs()
  // Characters of two units, so that pieces would end within one.
  const whole = `a${'🦆'.repeat(100_000)}${'é\n'.repeat(50_000)}end`
  await keep(owner('c'), whole, [page, file])
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -400_000, max: 400_000 }),
      fc.integer({ min: 1, max: 200_000 }),
      async (offset, limit) => {
        const start = Math.min(whole.length, offset < 0 ? Math.max(0, whole.length + offset) : offset)
        expect(await read('one', 'c', { offset, limit })).toEqual({
          ...{ callId: 'c', tool: 'web.fetch', offset: start, total: whole.length, sources: [page, file] },
          text: whole.slice(start, start + limit),
        })
      },
    ),
    { numRuns: 60 },
  )
  expect(await store.db.selectFrom('output_pieces').select('start').execute()).not.toHaveLength(1)
  await store.close()
})

test('without a name the newest is read, and never one of another session', async () => {
  const { store, keep, read, owner, all } = await withOutputs()
  await keep(owner('a'), 'first', [page])
  await keep(owner('b'), 'second', [page])
  await keep(owner('c', 'two'), 'private', [page])
  expect(await read('one', undefined, all)).toMatchObject({ callId: 'b', text: 'second' })
  expect(await read('one', 'a', all)).toMatchObject({ text: 'first' })
  expect(await read('one', 'c', all)).toBeUndefined()
  expect(await read('three', undefined, all)).toBeUndefined()
  await store.close()
})

test('what was not cut is read from the conversation, up to where it was cleared', async () => {
  const { store, keep, read, owner, all, pass } = await withOutputs()
  const entry = { sessionId: 'one', turnId: null, at: 1_000 }
  const result: Message = {
    ...{ role: 'tool', callId: 'a', name: 'fs.read', isError: false, images: [], provenance: file },
    output: '0123456789',
  }
  await store.write((transaction) => appendMessage(transaction, entry, result))
  await keep(owner('b'), 'kept', [page])
  expect(await read('one', 'a', { offset: 4, limit: 3 })).toEqual({
    ...{ callId: 'a', tool: 'fs.read', text: '456', offset: 4, total: 10, sources: [file] },
  })
  expect(await read('two', 'a', all)).toBeUndefined()
  pass(10)
  await store.write((transaction) => appendClear(transaction, { ...entry, at: 1_005 }))
  expect(await read('one', 'a', all)).toBeUndefined()
  expect(await read('one', undefined, all)).toBeUndefined()
  await store.close()
})

test('what is old, and the oldest beyond the whole that is kept, goes with the next output', async () => {
  const { store, keep, read, owner, all, pass } = await withOutputs({ days: 2, chars: 100 })
  await keep(owner('old'), 'x', [page])
  pass(3 * DAY)
  await keep(owner('a'), 'a'.repeat(60), [page])
  expect(await read('one', 'old', all)).toBeUndefined()
  await keep(owner('b', 'two'), 'b'.repeat(40), [page])
  expect(await read('one', 'a', all)).toMatchObject({ total: 60 })
  await keep(owner('c'), 'c', [page])
  expect(await read('one', 'a', all)).toBeUndefined()
  expect(await read('two', 'b', all)).toMatchObject({ total: 40 })
  expect(await store.db.selectFrom('output_pieces').select('text').execute()).toHaveLength(2)
  await store.close()
})

test('a session takes its outputs with it, and one that is gone keeps none', async () => {
  const { store, keep, read, owner, all } = await withOutputs()
  await keep(owner('a'), 'first', [page])
  await store.write((transaction) => transaction.deleteFrom('sessions').where('id', '=', 'one').execute())
  await keep(owner('b'), 'late', [page])
  expect(await read('one', undefined, all)).toBeUndefined()
  expect(await store.db.selectFrom('output_pieces').selectAll().execute()).toEqual([])
  await store.close()
})
