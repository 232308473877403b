import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import { appendClear, appendMessage, appendNotice, type ReadContext, readContext } from './conversation.ts'
import { openStore } from './store.ts'

const LIMIT = 6
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('say' as const) },
  { weight: 2, arbitrary: fc.constant('notice' as const) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
  { weight: 3, arbitrary: fc.constant('read' as const) },
)

test('going on from an earlier reading reads the same as reading anew', async () => {
  const store = await openStore(':memory:')
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const sessionId = `web:${number++}`
      await store.write(async (transaction) => {
        const row = { id: sessionId, channel: 'web', address: '{}', title: '', model: null, seq: 0 }
        await transaction
          .insertInto('sessions')
          .values({ ...row, created_at: 0, updated_at: 0 })
          .execute()
      })
      let known: ReadContext | undefined
      for (const [index, what] of steps.entries()) {
        const entry = { sessionId, turnId: null, at: 0 }
        const message: Message = { role: 'assistant', text: `${index}`, thinking: [], calls: [] }
        if (what === 'say') await store.write((transaction) => appendMessage(transaction, entry, message))
        if (what === 'clear') await store.write((transaction) => appendClear(transaction, entry))
        if (what === 'notice') {
          await store.write((transaction) => appendNotice(transaction, entry, { text: 'x', tone: 'info' }))
        }
        if (what !== 'read') continue
        known = await readContext(store.db, sessionId, LIMIT, known)
        const anew = await readContext(store.db, sessionId, LIMIT)
        expect(known.entries).toEqual(anew.entries)
        expect(known.summary).toEqual(anew.summary)
      }
    }),
    { numRuns: 60 },
  )
  await store.close()
})
