import { hasEnded, type Transaction } from './wallet.ts'

/** The session and turn that asked for a payment. */
export type PaymentOrigin = { sessionId: string; turnId: string }

/** What the payment relay remembers over restarts. */
export type PaymentStore = {
  saveOrigin: (transactionId: string, origin: PaymentOrigin) => Promise<void>
  origin: (transactionId: string) => Promise<PaymentOrigin | undefined>
  /** Number of the last wallet event that was dealt with. */
  lastSeq: () => Promise<number | undefined>
  saveLastSeq: (seq: number) => Promise<void>
  /** Puts a mark that is never taken away, and looks for it. */
  mark: (what: string) => Promise<void>
  isMarked: (what: string) => Promise<boolean>
}

/**
 * Ties a transaction to the session that asked for it. The wallet may tell of a transaction before its sender has
 * heard its id: `origin` and `wasTold` wait for the sends that are under way before they answer.
 */
export type Payments = {
  /**
   * Does `send` under this idempotency key and remembers that it was begun, and who it was for; then follows the
   * payment with `watch` as long as that takes.
   */
  sendFor: (
    origin: PaymentOrigin,
    key: string,
    send: () => Promise<Transaction>,
    watch: (sent: Transaction) => Promise<Watched>,
  ) => Promise<Transaction>
  /** True when a send under this key was begun, here or before a restart: it may have been made. */
  begun: (key: string) => Promise<boolean>
  origin: (transactionId: string) => Promise<PaymentOrigin | undefined>
  /** True when people have read how the payment stands, or are about to in the answer of whoever watches it. */
  wasTold: (transaction: Transaction) => Promise<boolean>
  noteTold: (transaction: Transaction) => Promise<void>
}

/** How a payment stood when its sender stopped watching; `isTold`: the sender's answer says so. */
export type Watched = { last: Transaction; isTold: boolean }

export function createPayments(store: PaymentStore): Payments {
  const underWay = new Set<Promise<unknown>>()
  const watches = new Map<string, Promise<Transaction>>()

  const noteTold = (transaction: Transaction) => store.mark(toldMark(transaction))

  async function follow(sent: Transaction, watch: (sent: Transaction) => Promise<Watched>): Promise<Transaction> {
    try {
      const { last, isTold } = await watch(sent)
      if (isTold && (hasEnded(last) || last.outcomeUnknown)) await noteTold(last)
      return last
    } finally {
      watches.delete(sent.id)
    }
  }

  return {
    begun: (key) => store.isMarked(begunMark(key)),
    sendFor: async (origin, key, send, watch) => {
      const track = async () => {
        await store.mark(begunMark(key))
        const sent = await send()
        await store.saveOrigin(sent.id, origin)
        const watching = follow(sent, watch)
        watches.set(sent.id, watching)
        return { watching }
      }
      const work = track()
      underWay.add(work)
      const { watching } = await work.finally(() => underWay.delete(work))
      return await watching
    },
    origin: async (transactionId) => {
      const known = await store.origin(transactionId)
      if (known !== undefined || underWay.size === 0) return known
      await Promise.allSettled(underWay)
      return await store.origin(transactionId)
    },
    wasTold: async (transaction) => {
      await Promise.allSettled(underWay)
      const watching = watches.get(transaction.id)
      // What has ended is seen by the watch in a moment; anything else is the watch's to tell when it stops.
      if (watching !== undefined && !hasEnded(transaction)) return true
      if (watching !== undefined) await Promise.allSettled([watching])
      return await store.isMarked(toldMark(transaction))
    },
    noteTold,
  }
}

function begunMark(key: string): string {
  return `begun.${key}`
}

function toldMark(transaction: Transaction): string {
  return `told.${transaction.id}.${hasEnded(transaction) ? transaction.status : 'unknown'}`
}
