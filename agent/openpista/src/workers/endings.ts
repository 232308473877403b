/** Lets others wait until a worker has ended. */
export type Endings = {
  tell: (id: string) => void
  /** Resolves with the end or with the signal. */
  wait: (id: string, signal: AbortSignal) => Promise<void>
}

export function createEndings(): Endings {
  const waiting = new Map<string, Set<() => void>>()
  return {
    tell: (id) => {
      for (const resolve of waiting.get(id) ?? []) resolve()
    },
    wait: async (id, signal) => {
      if (signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const those = waiting.get(id) ?? new Set()
      waiting.set(id, those.add(resolve))
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
      those.delete(resolve)
      if (those.size === 0) waiting.delete(id)
    },
  }
}
