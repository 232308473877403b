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
