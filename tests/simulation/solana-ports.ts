/** What the simulated cluster needs from its driver. */

/** A seeded source of chance. */
export type Random = {
  /** A number in [0, 1). */
  next: () => number
  /** A whole number in [0, maxExclusive). */
  int: (maxExclusive: number) => number
  chance: (probability: number) => boolean
  pick: <Item>(items: readonly Item[]) => Item
  /** Another source that depends on the seed and the label, not on what was drawn before. */
  fork: (label: string) => Random
}

/** The simulated clock, in milliseconds. */
export type Timers = {
  monotonic: () => number
  /** Runs `work` later; the result cancels it. */
  after: (millis: number, work: () => void) => () => void
  soon: (work: () => void) => void
}

/** One HTTP request. Rejects where no answer comes, however much of the request has arrived. */
export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer | 'not sent'>

export type ExchangeRequest = {
  url: string
  /** Called in the turn in which the bytes are written; `undefined` withdraws the request. */
  body: () => string | undefined
  signal?: AbortSignal
}

export type ExchangeAnswer = { status: number; text: string; retryAfterSeconds?: number }
