/** What a payment may be to its owner: made, waiting for time or for the owner, or over without having been made. */
export type ReferenceStatus = 'CONFIRMED' | 'QUEUED' | 'CANCELLED' | 'EXPIRED'

export type ReferencePayment = {
  amount: bigint
  status: ReferenceStatus
  /** From when it counts against the limits; none where it does not. */
  countsFrom?: number
  /** When a delay is over. */
  executesAt?: number
  /** When the owner's time is over. */
  expiresAt?: number
}

export type ReferenceRules = {
  instantMax: bigint
  delayMax: bigint
  delaySeconds: number
  approvalSeconds: number
  windowSeconds: number
  windowMax: bigint
  /** The most that a session spends in its whole life. */
  budget: bigint
}

/** What the engine must do, written as simply as it can be said: a list of payments, and the seconds that passed. */
export type ReferenceLedger = {
  payments: ReferencePayment[]
  /** Lets time pass. */
  pass: (seconds: number) => void
  send: (amount: bigint) => void
  /** @returns whether it was possible. */
  cancel: (which: number) => boolean
  approve: (which: number) => boolean
  /** Ends waits that are over, oldest payment first. */
  runDue: () => void
  spentInWindow: () => bigint
}

export function createReferenceLedger(rules: ReferenceRules): ReferenceLedger {
  const payments: ReferencePayment[] = []
  let now = 0
  const sum = (from: number) =>
    payments.reduce(
      (total, { amount, countsFrom }) => total + (countsFrom !== undefined && countsFrom >= from ? amount : 0n),
      0n,
    )
  const fits = (amount: bigint) =>
    sum(now - rules.windowSeconds) + amount <= rules.windowMax && sum(Number.NEGATIVE_INFINITY) + amount <= rules.budget

  const end = (payment: ReferencePayment, status: ReferenceStatus) => {
    payment.status = status
    delete payment.countsFrom
  }
  const waiting = (which: number) => {
    const payment = payments[which]
    return payment?.status === 'QUEUED' ? payment : undefined
  }
  /** Judged once more when its wait is over: as if it was sent now. */
  const make = (payment: ReferencePayment) => {
    delete payment.countsFrom
    if (!fits(payment.amount)) return end(payment, 'CANCELLED')
    payment.status = 'CONFIRMED'
    payment.countsFrom = now
  }

  return {
    payments,
    pass: (seconds) => {
      now += seconds
    },
    send: (amount) => {
      const payment: ReferencePayment = { amount, status: 'CANCELLED' }
      if (fits(amount)) {
        payment.countsFrom = now
        payment.status = amount <= rules.instantMax ? 'CONFIRMED' : 'QUEUED'
        if (amount > rules.delayMax) payment.expiresAt = now + rules.approvalSeconds
        else if (amount > rules.instantMax) payment.executesAt = now + rules.delaySeconds
      }
      payments.push(payment)
    },
    cancel: (which) => {
      const payment = waiting(which)
      if (payment !== undefined) end(payment, 'CANCELLED')
      return payment !== undefined
    },
    approve: (which) => {
      const payment = waiting(which)
      if (payment?.expiresAt === undefined) return false
      make(payment)
      return payment.status === 'CONFIRMED'
    },
    runDue: () => {
      for (const payment of payments) {
        if (payment.status !== 'QUEUED') continue
        if (payment.expiresAt !== undefined && payment.expiresAt <= now) end(payment, 'EXPIRED')
        else if (payment.executesAt !== undefined && payment.executesAt <= now) make(payment)
      }
    },
    spentInWindow: () => sum(now - rules.windowSeconds),
  }
}
