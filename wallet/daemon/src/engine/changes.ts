import type { Timers } from '@openpista/common'
import { isFinal } from '@waiaas/core'
import type { TransactionRow } from '../store/transactions.ts'

/** Tells who waits for a transaction that it came to its end. In this process only; the database is the truth. */
export type Changes = {
  changed: (row: TransactionRow) => void
  /** Resolves with this transaction at its end; with nothing after `millis`, or when everything closes. */
  end: (id: string, millis: number) => { reached: Promise<TransactionRow | undefined>; stop: () => void }
  close: () => void
  closed: () => boolean
}

export function createChanges({ after }: Pick<Timers, 'after'>): Changes {
  type Resume = (row: TransactionRow | undefined) => void
  const waiting = new Map<string, Set<Resume>>()
  let closed = false
  const wake = (id: string, row: TransactionRow | undefined) => {
    for (const resume of waiting.get(id) ?? []) resume(row)
  }
  return {
    changed: (row) => {
      if (isFinal(row.status)) wake(row.id, row)
    },
    end: (id, millis) => {
      let resume: Resume = () => {}
      const reached = new Promise<TransactionRow | undefined>((resolve) => {
        if (closed) return resolve(undefined)
        const resumes = waiting.get(id) ?? new Set()
        waiting.set(id, resumes)
        resume = (row) => {
          stopTimer()
          resumes.delete(resume)
          if (resumes.size === 0) waiting.delete(id)
          resolve(row)
        }
        const stopTimer = after(millis, () => resume(undefined))
        resumes.add(resume)
      })
      return { reached, stop: () => resume(undefined) }
    },
    close: () => {
      closed = true
      for (const id of [...waiting.keys()]) wake(id, undefined)
    },
    closed: () => closed,
  }
}
