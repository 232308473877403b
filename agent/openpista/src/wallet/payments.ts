import type { Transaction } from './wallet.ts'

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
 * heard its id: `origin` waits for the sends that are under way before it says that nobody here asked.
 */
export type Payments = {
  /** Does `send` under this idempotency key and remembers that it was begun, and who it was for. */
  sendFor: (origin: PaymentOrigin, key: string, send: () => Promise<Transaction>) => Promise<Transaction>
  /** True when a send under this key was begun, here or before a restart: it may have been made. */
  begun: (key: string) => Promise<boolean>
  origin: (transactionId: string) => Promise<PaymentOrigin | undefined>
}

export function createPayments(store: PaymentStore): Payments {
  const underWay = new Set<Promise<unknown>>()

  async function track(origin: PaymentOrigin, key: string, send: () => Promise<Transaction>): Promise<Transaction> {
    await store.mark(begunMark(key))
    const transaction = await send()
    await store.saveOrigin(transaction.id, origin)
    return transaction
  }

  return {
    begun: (key) => store.isMarked(begunMark(key)),
    sendFor: async (origin, key, send) => {
      const work = track(origin, key, send)
      underWay.add(work)
      try {
        return await work
      } finally {
        underWay.delete(work)
      }
    },
    origin: async (transactionId) => {
      const known = await store.origin(transactionId)
      if (known !== undefined || underWay.size === 0) return known
      await Promise.allSettled(underWay)
      return await store.origin(transactionId)
    },
  }
}

function begunMark(key: string): string {
  return `begun.${key}`
}
