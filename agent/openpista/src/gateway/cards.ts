import type { Card, CardOutcome } from '../protocol/index.ts'
import type { Store, Transaction } from '../store/store.ts'
import { sendOut, type Unaddressed } from '../store/turns.ts'
import type { LogBook } from './log-book.ts'

/** Where cards are kept: stored, shown to clients, delivered to messengers, closed once. */
export type Cards = {
  /** Shows a card. The same id again changes nothing. */
  post: (sessionId: string, turnId: string | null, card: Card) => Promise<void>
  /** Closes a card; answers false when it was closed before, or never was. */
  resolve: (cardId: string, outcome: CardOutcome, by: string) => Promise<boolean>
}

export type CardsParts = {
  store: Store
  book: LogBook
  now: () => number
  isLive: (channel: string) => boolean
  onOutbox: () => void
}

export function createCards({ store, book, now, isLive, onOutbox }: CardsParts): Cards {
  async function deliver(transaction: Transaction, sessionId: string, what: Unaddressed): Promise<void> {
    if (await sendOut(transaction, { sessionId, now: now(), isLive }, what)) queueMicrotask(onOutbox)
  }

  return {
    post: async (sessionId, turnId, card) => {
      const log = await book.find(sessionId)
      if (log === undefined) throw new Error(`no session ${sessionId} for card ${card.id}`)
      await log.commit(async (transaction) => {
        const at = now()
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto('cards')
          .values({
            id: card.id,
            session_id: sessionId,
            turn_id: turnId,
            body: JSON.stringify(card),
            outcome: null,
            decided_by: null,
            created_at: at,
            updated_at: at,
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows === 0n) return
        await deliver(transaction, sessionId, { key: `card:${card.id}`, kind: 'card', card })
        log.append({ type: 'approval.requested', ...(turnId === null ? {} : { turnId }), card })
      })
    },

    resolve: async (cardId, outcome, by) => {
      const row = await store.db.selectFrom('cards').select('session_id').where('id', '=', cardId).executeTakeFirst()
      const log = row === undefined ? undefined : await book.find(row.session_id)
      if (log === undefined) return false
      return await log.commit(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('cards')
          .set({ outcome, decided_by: by, updated_at: now() })
          .where('id', '=', cardId)
          .where('outcome', 'is', null)
          .executeTakeFirstOrThrow()
        if (numUpdatedRows === 0n) return false
        await deliver(transaction, log.sessionId, {
          key: `card:${cardId}:${outcome}`,
          kind: 'card.resolved',
          cardId,
          outcome,
        })
        log.append({ type: 'approval.resolved', cardId, outcome, by })
        return true
      })
    },
  }
}
