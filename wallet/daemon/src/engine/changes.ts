/** Tells who waits for a transaction that it changed. In this process only; the database is the truth. */
export type Changes = {
  changed: (id: string) => void
  /** The next change of this transaction: resolves then, after `millis`, or when everything closes. */
  next: (id: string, millis: number) => Promise<void>
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
    changed: wake,
    next: (id, millis) =>
      new Promise((resolve) => {
        if (closed) return resolve()
        const resumes = waiting.get(id) ?? new Set()
        waiting.set(id, resumes)
        const done = () => {
          clearTimeout(timer)
          resumes.delete(done)
          if (resumes.size === 0) waiting.delete(id)
          resolve()
        }
        const timer = setTimeout(done, millis)
        resumes.add(done)
      }),
    close: () => {
      closed = true
      for (const id of [...waiting.keys()]) wake(id)
    },
    closed: () => closed,
  }
}
