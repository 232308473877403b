/** Where the time comes from. Everything that decides by time takes one, so tests can move it. */
export type Clock = {
  /** Unix time in whole seconds. */
  seconds: () => number
  /** Unix time in milliseconds. */
  millis: () => number
}

/** The machine's clock. */
export const systemClock: Clock = {
  seconds: () => Math.floor(Date.now() / 1000),
  millis: () => Date.now(),
}

/** Timers and measured time. Injected everywhere, so that a simulation controls them. */
export type Timers = {
  /** Milliseconds that only go forward. Where they start is not defined. */
  monotonic: () => number
  /** Calls `work` after at least `millis`. Returns how to stop it. Does not keep the process alive. */
  after: (millis: number, work: () => void) => () => void
  /** Calls `work` in the next turn of the event loop. */
  soon: (work: () => void) => void
}

/** The machine's timers. */
export const systemTimers: Timers = {
  monotonic: () => performance.now(),
  after: (millis, work) => {
    const timer = setTimeout(work, millis).unref()
    return () => clearTimeout(timer)
  },
  soon: (work) => void setImmediate(work),
}
