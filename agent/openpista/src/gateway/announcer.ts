import { newId } from '@openpista/common'
import type { Card, CardOutcome } from '../protocol/index.ts'
import { appendNotice } from '../store/conversation.ts'
import type { Transaction } from '../store/store.ts'
import { sendOut } from '../store/turns.ts'
import { rootOf } from '../store/workers.ts'
import type { Cards, CardsParts } from './cards.ts'

/**
 * How parts that are no turn speak to the owner: the payment relay, the scheduler. Everything is stored before
 * it is shown and delivered through the outbox. Session `null`: the owner's most recent one.
 */
export type Announcer = {
  /** Posts a card once: the same card id again changes nothing. */
  card: (sessionId: string | null, card: Card) => Promise<void>
  /** Closes a card; a card that is closed already stays as it is. */
  resolve: (cardId: string, outcome: CardOutcome, by: string) => Promise<void>
  notice: (sessionId: string | null, text: string, tone: 'info' | 'success' | 'warning' | 'error') => Promise<void>
}

/** Brings a text to people who do not see what is stored in their session. The same key is sent once. */
export type Messenger = { send: (sessionId: string, key: string, text: string) => Promise<void> }

/** Decisions on payment cards made in a chat come here: a chat can only reject or cancel, never approve. */
export type PaymentDesk = {
  reject: (cardId: string) => Promise<{ ok: true } | { ok: false; message: string }>
}

/** Where the owner is spoken to before he has ever written. */
const FIRST_SESSION = { id: 'web:main', channel: 'web', address: { chat: 'main' } }

export function createAnnouncer(
  cards: Cards,
  { store, book, now, isLive, onOutbox }: CardsParts,
): Announcer & Messenger {
  /** A session that exists: the named one, for a worker's the one that its owner is in, else the one used last. */
  async function target(sessionId: string | null): Promise<string> {
    const root = sessionId === null ? undefined : await rootOf(store.db, sessionId)
    const named = root?.sessionId ?? sessionId
    if (named !== null && (await book.find(named)) !== undefined) return named
    const recent = await store.db
      .selectFrom('sessions')
      .select('id')
      .where('title', '<>', '')
      // What is the owner's business is not said where others listen.
      .where('shared', '=', 0)
      .orderBy('updated_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return recent?.id ?? (await book.open(FIRST_SESSION)).sessionId
  }

  async function deliver(transaction: Transaction, sessionId: string, key: string, text: string): Promise<void> {
    const sent = await sendOut(transaction, { sessionId, now: now(), isLive }, { key, kind: 'text', text })
    if (sent) queueMicrotask(onOutbox)
  }

  return {
    card: async (sessionId, card) => await cards.post(await target(sessionId), null, card),
    resolve: async (cardId, outcome, by) => {
      await cards.resolve(cardId, outcome, by)
    },
    notice: async (sessionId, text, tone) => {
      const id = await target(sessionId)
      const log = (await book.find(id))!
      await log.commit(async (transaction) => {
        await appendNotice(transaction, { sessionId: id, turnId: null, at: now() }, { text, tone })
        await deliver(transaction, id, `notice:${newId()}`, text)
        log.append({ type: 'notice', text, tone })
      })
    },
    send: async (sessionId, key, text) => {
      const id = await target(sessionId)
      await store.write((transaction) => deliver(transaction, id, key, text))
    },
  }
}
