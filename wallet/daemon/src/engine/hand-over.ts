import type { FeeWanted } from '../chains/chain-adapter.ts'

/** What this process knows of handing signed bytes to nodes. */
export type HandOvers = {
  /** Notes that bytes are about to be handed over; how often they were before. */
  note: (attemptId: string, millis: number) => number
  /** Notes the answer: whether a node took them, its words, and whether any node can have them at all. */
  answered: (attemptId: string, answer: Answered) => void
  last: (attemptId: string) => Answered | undefined
  /**
   * Notes whether bytes that were handed over are the next ones of their account. Returns since when they are, as far as
   * this process knows, unix seconds; undefined where they are not.
   */
  noteNext: (attemptId: string, isNext: boolean, now: number) => number | undefined
  /** True when the bytes may be given to the chain once more: each time after twice the pause. */
  isDue: (attemptId: string, millis: number) => boolean
  /** The next `isDue` is true. */
  hurry: (attemptId: string) => void
  forget: (attemptId: string) => void
}

export type Answered = {
  accepted: boolean
  words?: string
  wants?: FeeWanted | undefined
  /** No node has said anything of the bytes. */
  unheard?: true | undefined
}

const LONGEST_PAUSE = 300_000
/** What no node has taken is offered again sooner. */
const FIRST_PAUSE_NOT_ACCEPTED = 2_000

export function createHandOvers(firstPauseMillis: number): HandOvers {
  const known = new Map<string, { at: number; count: number; answer?: Answered; nextSince?: number | undefined }>()
  return {
    note: (attemptId, at) => {
      const before = known.get(attemptId)
      const count = before?.count ?? 0
      known.set(attemptId, { ...before, at, count: count + 1 })
      return count
    },
    answered: (attemptId, answer) => {
      const entry = known.get(attemptId)
      if (entry === undefined) return
      const accepted = answer.accepted || entry.answer?.accepted === true
      known.set(attemptId, { ...entry, answer: { ...answer, accepted } })
    },
    last: (attemptId) => known.get(attemptId)?.answer,
    noteNext: (attemptId, isNext, now) => {
      const entry = known.get(attemptId)
      if (entry === undefined) return undefined
      const nextSince = isNext ? (entry.nextSince ?? now) : undefined
      known.set(attemptId, { ...entry, nextSince })
      return nextSince
    },
    isDue: (attemptId, millis) => {
      const last = known.get(attemptId)
      if (last === undefined) return true
      const first =
        last.answer?.accepted === false ? Math.min(FIRST_PAUSE_NOT_ACCEPTED, firstPauseMillis) : firstPauseMillis
      const pause = Math.min(first * 2 ** Math.min(last.count - 1, 16), LONGEST_PAUSE)
      return millis - last.at >= pause || millis < last.at
    },
    hurry: (attemptId) => {
      const entry = known.get(attemptId)
      if (entry !== undefined) known.set(attemptId, { ...entry, at: Number.NEGATIVE_INFINITY })
    },
    forget: (attemptId) => known.delete(attemptId),
  }
}
