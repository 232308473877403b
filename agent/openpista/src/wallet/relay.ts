import { sleep } from '@openpista/common'
import { WAIaaSError } from '@waiaas/sdk'
import type { Announcer, PaymentDesk } from '../gateway/announcer.ts'
import type { SourceView } from '../protocol/index.ts'
import { cardIdOf, paymentCard, transactionIdOf } from './payment-card.ts'
import type { PaymentOrigin, PaymentStore, Payments } from './payments.ts'
import { hasEnded, type Transaction, type Wallet } from './wallet.ts'
import { effectWords, statusWords } from './words.ts'

export type PaymentRelay = {
  /** Listens to the wallet until the signal aborts; a wallet that is away is waited for. */
  run: (signal: AbortSignal) => Promise<void>
  desk: PaymentDesk
}

export type PaymentRelayParts = {
  wallet: Wallet
  payments: Payments
  store: PaymentStore
  announcer: Announcer
  /** Whose words led to a payment, for its card. */
  sources: (origin: PaymentOrigin) => Promise<SourceView[]>
  /** Unix seconds. */
  now: () => number
  /** Told when the wallet cannot be listened to; it is tried again. */
  onTrouble: (error: Error) => void
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

/**
 * Brings the wallet's questions to the owner: a card in the session that asked where a payment waits, a notice when
 * one ended. Every event makes it look at the transaction itself, so that events that come late, twice or not in
 * order change nothing; what was dealt with is remembered over restarts.
 */
export function createPaymentRelay(parts: PaymentRelayParts): PaymentRelay {
  return {
    run: async (signal) => {
      let pause = FIRST_PAUSE_MS
      while (!signal.aborted) {
        try {
          await listen(parts, signal, () => {
            pause = FIRST_PAUSE_MS
          })
        } catch (error) {
          if (!(error instanceof WAIaaSError)) throw error
          parts.onTrouble(error)
        }
        await sleep(pause, signal)
        pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
      }
    },
    desk: { reject: (cardId) => reject(parts, cardId) },
  }
}

async function listen(parts: PaymentRelayParts, signal: AbortSignal, onEvent: () => void): Promise<void> {
  const begun = parts.now()
  const last = await parts.store.lastSeq()
  for await (const event of parts.wallet.events({ after: last ?? 0, signal })) {
    onEvent()
    if (event.transactionId !== undefined) {
      const transaction = await find(parts, event.transactionId)
      // The first time, the wallet's whole past comes by: what had ended before is no news.
      const isPast =
        last === undefined && transaction !== undefined && hasEnded(transaction) && transaction.updatedAt < begun
      if (transaction !== undefined && !isPast) await show(parts, transaction)
    }
    await parts.store.saveLastSeq(event.seq)
  }
}

async function find({ wallet }: PaymentRelayParts, id: string): Promise<Transaction | undefined> {
  try {
    return await wallet.getTransaction(id)
  } catch (error) {
    if (error instanceof WAIaaSError && error.code === 'TX_NOT_FOUND') return undefined
    throw error
  }
}

const ENDINGS = {
  CONFIRMED: { outcome: 'executed', tone: 'success' },
  FAILED: { outcome: 'failed', tone: 'error' },
  EXPIRED: { outcome: 'expired', tone: 'warning' },
  CANCELLED: { outcome: 'cancelled', tone: 'info' },
} as const

function endingOf({ status }: Transaction) {
  return status in ENDINGS ? ENDINGS[status as keyof typeof ENDINGS] : undefined
}

async function show(parts: PaymentRelayParts, transaction: Transaction): Promise<void> {
  const { announcer, payments } = parts
  const { id, status, tier } = transaction
  if (status === 'PENDING') return
  if (status === 'QUEUED') {
    await postCard(parts, transaction)
    return
  }
  const ending = endingOf(transaction)
  const by = tier === 'APPROVAL' ? 'your signature' : 'the end of the delay'
  await announcer.resolve(cardIdOf(id), ending?.outcome ?? 'approved', ending === undefined ? by : 'the wallet')
  const isNews = ending === undefined ? transaction.outcomeUnknown : status !== 'CANCELLED'
  if (!isNews || (await payments.wasTold(transaction))) return
  const origin = await payments.origin(id)
  const text = `${transaction.effects.map(effectWords).join('; ')}: ${statusWords(transaction)}`
  await announcer.notice(origin?.sessionId ?? null, text, ending?.tone ?? 'warning')
  // After the notice: a crash in between tells twice rather than never.
  await payments.noteTold(transaction)
}

async function postCard(parts: PaymentRelayParts, transaction: Transaction): Promise<void> {
  const { wallet, payments, announcer, sources } = parts
  const origin = await payments.origin(transaction.id)
  const facts = transaction.approval === undefined ? undefined : await wallet.approvalFacts(transaction.id)
  const views = origin === undefined ? [ELSEWHERE] : await sources(origin)
  await announcer.card(origin?.sessionId ?? null, paymentCard(transaction, facts, views))
}

/** Somebody else has a token of this agent: another program, or whoever stole it. */
const ELSEWHERE: SourceView = { trusted: false, label: 'not asked for in any conversation here' }

async function reject({ wallet }: PaymentRelayParts, cardId: string): ReturnType<PaymentDesk['reject']> {
  const id = transactionIdOf(cardId)
  if (id === undefined) return { ok: false, message: 'This is no card of a payment.' }
  try {
    await wallet.cancel(id)
    return { ok: true }
  } catch (error) {
    if (!(error instanceof WAIaaSError)) throw error
    return { ok: false, message: `${error.message} ${error.hint ?? ''}`.trim() }
  }
}
