import { immediate, type Timers } from '@openpista/common'
import { CompiledQuery, type Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Runs `work` in a write transaction that is on disk when the promise resolves; an exception undoes it. */
export type Write = <Result>(work: (transaction: Kysely<Tables>) => Promise<Result>) => Promise<Result>

type Job = { work: (transaction: Kysely<Tables>) => Promise<unknown>; settle: (outcome: Outcome) => void }
type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown }

/**
 * A writer that commits what waits together: changes that come within one turn of the event loop share one
 * sync to disk, the expensive part. Where there are several, each stands in a savepoint of its own, so that one that fails undoes
 * only itself; all of them run one after another, so that none sees another half done.
 */
export function createWriter(db: Kysely<Tables>, { soon }: Pick<Timers, 'soon'>): Write {
  let waiting: Job[] = []
  let flushing = false

  const flush = async () => {
    flushing = true
    while (waiting.length > 0) {
      await new Promise<void>(soon)
      const jobs = waiting
      waiting = []
      const outcomes = await commit(db, jobs)
      for (const [index, job] of jobs.entries()) job.settle(outcomes[index]!)
    }
    flushing = false
  }

  return async (work) => {
    const outcome = await new Promise<Outcome>((settle) => {
      waiting.push({ work, settle })
      if (!flushing) flush()
    })
    if (!outcome.ok) throw outcome.error
    return outcome.value as never
  }
}

async function commit(db: Kysely<Tables>, jobs: readonly Job[]): Promise<Outcome[]> {
  try {
    const [only] = jobs
    if (only !== undefined && jobs.length === 1) return [{ ok: true, value: await immediate(db, only.work) }]
    return await immediate(db, async (transaction) => {
      const outcomes: Outcome[] = []
      for (const job of jobs) outcomes.push(await runAlone(transaction, job))
      return outcomes
    })
  } catch (error) {
    return jobs.map(() => ({ ok: false, error }))
  }
}

const savepoint = {
  set: CompiledQuery.raw('SAVEPOINT work'),
  keep: CompiledQuery.raw('RELEASE work'),
  undo: CompiledQuery.raw('ROLLBACK TO work'),
} as const

async function runAlone(transaction: Kysely<Tables>, { work }: Job): Promise<Outcome> {
  await transaction.executeQuery(savepoint.set)
  try {
    const value = await work(transaction)
    await transaction.executeQuery(savepoint.keep)
    return { ok: true, value }
  } catch (error) {
    await transaction.executeQuery(savepoint.undo)
    await transaction.executeQuery(savepoint.keep)
    return { ok: false, error }
  }
}
