import { newId } from '@openpista/common'
import type { Outbound } from '../channels/channel.ts'
import type { Card, CardOutcome } from '../protocol/index.ts'
import { appendNotice } from '../store/conversation.ts'
import { putOutbox } from '../store/turns.ts'
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

/** Decisions on payment cards made in a chat come here: a chat can only reject or cancel, never approve. */
export type PaymentDesk = {
  reject: (cardId: string) => Promise<{ ok: true } | { ok: false; message: string }>
}

/** Where the owner is spoken to before he has ever written. */
const FIRST_SESSION = { id: 'web:main', channel: 'web', address: { chat: 'main' } }

export function createAnnouncer(cards: Cards, { store, book, now, isLive, onOutbox }: CardsParts): Announcer {
  /** A session that exists: the named one, else the one used last. */
  async function target(sessionId: string | null): Promise<string> {
    if (sessionId !== null && (await book.find(sessionId)) !== undefined) return sessionId
    const recent = await store.db
      .selectFrom('sessions')
      .select('id')
      .where('title', '<>', '')
      .orderBy('updated_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return recent?.id ?? (await book.open(FIRST_SESSION)).sessionId
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
        const at = now()
        await appendNotice(transaction, { sessionId: id, turnId: null, at }, { text, tone })
        const session = await transaction
          .selectFrom('sessions')
          .select(['channel', 'address'])
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        if (!isLive(session.channel)) {
          const outbound: Outbound = { key: `notice:${newId()}`, ...JSON.parse(session.address), kind: 'text', text }
          await putOutbox(transaction, { channel: session.channel, sessionId: id, now: at }, outbound)
          queueMicrotask(onOutbox)
        }
        log.append({ type: 'notice', text, tone })
      })
    },
  }
}
