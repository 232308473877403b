import type { Card, CardOutcome } from '../protocol/index.ts'

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
