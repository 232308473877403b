import type { TransactionStatus } from '@waiaas/core'
import { busy, findTransaction, type TransactionRow } from '../store/transactions.ts'
import { createPace } from './pace.ts'
import type { Context } from './parts.ts'

/** The loop that advances transactions, and what of it is going on. One run per transaction at a time. */
export type Runs = {
  /** Advances until nothing changes. Faults of the program are logged; the row stays, and `retry` takes it up. */
  start: (id: string) => void
  /** As `start`, for a row as it is now, when `pace` lets it. */
  goOn: (row: TransactionRow) => void
  /** As `start`, but not before the pause after the last run is over. */
  retry: (id: string) => void
  /** The first step of a transaction that is not stored yet. Rejects with what it throws: then nothing is stored. */
  first: (id: string, step: () => Promise<TransactionRow | undefined>) => Promise<TransactionRow>
  /** One step; resolves when it is done, rejects with what it throws. */
  once: (row: TransactionRow) => Promise<void>
  /** Resolves when nothing runs any more. */
  idle: () => Promise<void>
  /** No more starts; resolves when nothing runs any more. */
  close: () => Promise<void>
  closed: () => boolean
}

/** @param advance does the next thing; answers the row as it is then, or `undefined` where nothing can be done now. */
export function createRuns(
  context: Context,
  advance: (row: TransactionRow) => Promise<TransactionRow | undefined>,
): Runs {
  const running = new Map<string, Promise<unknown>>()
  const notBefore = new Map<string, number>()
  const held = new Set<string>()
  const pace = createPace(context.timers)
  let closed = false

  const drive = async (id: string, known: TransactionRow | undefined) => {
    notBefore.set(id, Number.POSITIVE_INFINITY)
    let row = known ?? (await findTransaction(context.db, id))
    while (row !== undefined && !closed) {
      const { status } = row
      row = await advance(row)
      if (row !== undefined) context.changes.changed(row)
      else if (!isBusy(status)) notBefore.delete(id)
    }
  }
  const guard = (id: string, work: () => Promise<void>): Promise<void> => {
    const started = work().finally(() => {
      running.delete(id)
      if (notBefore.has(id)) notBefore.set(id, context.timers.monotonic() + context.settings.retryMillis)
    })
    running.set(id, started)
    return started
  }
  const start = (id: string, known?: TransactionRow) => {
    held.delete(id)
    if (closed || running.has(id)) return
    guard(id, () => drive(id, known)).catch((error: unknown) => {
      context.log.error({ transactionId: id, err: error }, 'A transaction could not go on; it is tried again.')
    })
  }
  const idle = async () => {
    while (running.size > 0) await Promise.allSettled(running.values())
  }
  return {
    start: (id) => start(id),
    goOn: (row) => {
      held.add(row.id)
      pace.later(() => {
        // Somebody else may have started it meanwhile: then the row is not what it was.
        if (held.has(row.id)) start(row.id, row)
      })
    },
    retry: (id) => {
      const pause = notBefore.get(id)
      if (pause !== undefined && context.timers.monotonic() < pause) return
      start(id)
    },
    first: async (id, step) => {
      let row: TransactionRow | undefined
      await guard(id, async () => {
        row = await pace.judging(step)
      })
      if (row === undefined) throw new Error(`transaction ${id} is not new`)
      context.changes.changed(row)
      return row
    },
    once: async (row) => {
      if (running.has(row.id)) return await settled(running.get(row.id))
      await guard(row.id, async () => {
        const moved = await advance(row)
        if (moved !== undefined) context.changes.changed(moved)
      })
    },
    idle,
    close: async () => {
      pace.end()
      closed = true
      await idle()
    },
    closed: () => closed,
  }
}

function isBusy(status: TransactionStatus): boolean {
  return busy.some((one) => one === status)
}

async function settled(promise: Promise<unknown> | undefined): Promise<void> {
  await Promise.allSettled([promise])
}
