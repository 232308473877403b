import { isFinal, type TransactionStatus } from '@waiaas/core'

/** Tells who waits for a transaction that it came to its end. In this process only; the database is the truth. */
export type Changes = {
  changed: (row: { id: string; status: TransactionStatus }) => void
  /** The end of this transaction: resolves then, after `millis`, or when everything closes. */
  end: (id: string, millis: number) => { reached: Promise<void>; stop: () => void }
  close: () => void
  closed: () => boolean
}

export function createChanges(): Changes {
  const waiting = new Map<string, Set<() => void>>()
  let closed = false
  const wake = (id: string) => {
    for (const resume of waiting.get(id) ?? []) resume()
  }
  return {
    changed: ({ id, status }) => {
      if (isFinal(status)) wake(id)
    },
    end: (id, millis) => {
      let stop = () => {}
      const reached = new Promise<void>((resolve) => {
        if (closed) return resolve()
        const resumes = waiting.get(id) ?? new Set()
        waiting.set(id, resumes)
        stop = () => {
          clearTimeout(timer)
          resumes.delete(stop)
          if (resumes.size === 0) waiting.delete(id)
          resolve()
        }
        const timer = setTimeout(stop, millis)
        resumes.add(stop)
      })
      return { reached, stop: () => stop() }
    },
    close: () => {
      closed = true
      for (const id of [...waiting.keys()]) wake(id)
    },
    closed: () => closed,
  }
}
