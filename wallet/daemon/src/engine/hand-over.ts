/** When signed bytes were last given to the chain, and how often since this process started. */
export type HandOvers = {
  /** Notes a hand-over; answers how many there have been. */
  note: (attemptId: string, millis: number) => number
  count: (attemptId: string) => number
  /** True when the bytes may be given to the chain once more: each time after twice the pause. */
  isDue: (attemptId: string, millis: number) => boolean
  forget: (attemptId: string) => void
}

const LONGEST_PAUSE = 300_000

export function createHandOvers(firstPauseMillis: number): HandOvers {
  const known = new Map<string, { at: number; count: number }>()
  return {
    note: (attemptId, at) => {
      const count = (known.get(attemptId)?.count ?? 0) + 1
      known.set(attemptId, { at, count })
      return count
    },
    count: (attemptId) => known.get(attemptId)?.count ?? 0,
    isDue: (attemptId, millis) => {
      const last = known.get(attemptId)
      if (last === undefined) return true
      const pause = Math.min(firstPauseMillis * 2 ** Math.min(last.count - 1, 16), LONGEST_PAUSE)
      return millis - last.at >= pause || millis < last.at
    },
    forget: (attemptId) => known.delete(attemptId),
  }
}
