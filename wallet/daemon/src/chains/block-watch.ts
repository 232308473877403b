import type { Timers } from '@openpista/common'

/**
 * Asks for the height of the chain every `intervalMs` while somebody listens, and calls everybody back when
 * it is a new one. A node that does not answer is asked again at the next turn.
 */
export type BlockWatch = {
  onBlock: (callback: () => void) => () => void
  /** Asks at once: a block is to be expected now. */
  lookNow: () => void
  close: () => void
}

export function watchBlocks(
  readHeight: () => Promise<bigint | undefined>,
  intervalMs: number,
  timers: Timers,
): BlockWatch {
  const callbacks = new Set<() => void>()
  let stopWaiting: (() => void) | undefined
  let isLooking = false
  let isAskedAgain = false
  let seen: bigint | undefined
  let closed = false

  const look = async () => {
    stopWaiting = undefined
    isLooking = true
    do {
      isAskedAgain = false
      const height = await readHeight()
      if (height === undefined || height === seen) continue
      seen = height
      for (const callback of callbacks) callback()
    } while (isAskedAgain && !closed)
    isLooking = false
    schedule(intervalMs)
  }
  const schedule = (pauseMs: number) => {
    if (closed || isLooking || stopWaiting !== undefined || callbacks.size === 0) return
    stopWaiting = timers.after(pauseMs, look)
  }

  return {
    onBlock: (callback) => {
      callbacks.add(callback)
      schedule(intervalMs)
      return () => void callbacks.delete(callback)
    },
    lookNow: () => {
      isAskedAgain = isLooking
      stopWaiting?.()
      stopWaiting = undefined
      schedule(0)
    },
    close: () => {
      closed = true
      callbacks.clear()
      stopWaiting?.()
    },
  }
}
