import type { Timers } from '@openpista/common'

/**
 * Who goes first where both wait for the one thread: requests that are being judged, for somebody waits for the
 * answer, or payments that are allowed already and have to be signed and sent. Payments that wait go on together,
 * so that they share a message to the signer, a commit and a call to the node.
 */
export type Pace = {
  /** Runs the judging of a request. */
  judging: <Value>(work: () => Promise<Value>) => Promise<Value>
  /**
   * Starts what may wait: at once where nothing else was judged lately, otherwise in the first pause between
   * requests, or after 40 ms without one.
   */
  later: (start: () => void) => void
  /** Starts what waits, and from now on everything at once. */
  end: () => void
}

const PAUSE_MILLIS = 2
const LONGEST_WAIT_MILLIS = 40

export function createPace({ monotonic, after }: Pick<Timers, 'monotonic' | 'after'>): Pace {
  let waiting: (() => void)[] = []
  let since = 0
  let stopTimer: (() => void) | undefined
  let beingJudged = 0
  let judged = { last: Number.NEGATIVE_INFINITY, before: Number.NEGATIVE_INFINITY }
  let ended = false

  const startAll = () => {
    stopTimer?.()
    stopTimer = undefined
    const starts = waiting
    waiting = []
    for (const start of starts) start()
  }
  const look = () => {
    const now = monotonic()
    const isPause = beingJudged === 0 && now - judged.last >= PAUSE_MILLIS
    if (isPause || now - since >= LONGEST_WAIT_MILLIS) startAll()
    else stopTimer = after(PAUSE_MILLIS, look)
  }
  return {
    judging: async (work) => {
      beingJudged += 1
      try {
        return await work()
      } finally {
        beingJudged -= 1
        judged = { last: monotonic(), before: judged.last }
      }
    },
    later: (start) => {
      const isAlone = beingJudged === 0 && judged.last - judged.before >= LONGEST_WAIT_MILLIS && waiting.length === 0
      if (ended || isAlone) return start()
      if (waiting.push(start) > 1) return
      since = monotonic()
      stopTimer = after(PAUSE_MILLIS, look)
    },
    end: () => {
      ended = true
      startAll()
    },
  }
}
