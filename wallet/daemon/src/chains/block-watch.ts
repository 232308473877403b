/**
 * Asks for the height of the chain every `intervalMs` while somebody listens, and calls everybody back when
 * it is a new one. A node that does not answer is asked again at the next turn.
 */
export type BlockWatch = { onBlock: (callback: () => void) => () => void; close: () => void }

export function watchBlocks(readHeight: () => Promise<bigint | undefined>, intervalMs: number): BlockWatch {
  const callbacks = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  let seen: bigint | undefined
  let closed = false

  const look = async () => {
    const height = await readHeight()
    if (height !== undefined && height !== seen) {
      seen = height
      for (const callback of callbacks) callback()
    }
    timer = undefined
    schedule()
  }
  const schedule = () => {
    if (closed || timer !== undefined || callbacks.size === 0) return
    timer = setTimeout(look, intervalMs).unref()
  }

  return {
    onBlock: (callback) => {
      callbacks.add(callback)
      schedule()
      return () => void callbacks.delete(callback)
    },
    close: () => {
      closed = true
      callbacks.clear()
      clearTimeout(timer)
    },
  }
}
