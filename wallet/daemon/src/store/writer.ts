import { setImmediate as turn } from 'node:timers/promises'
import { immediate } from '@openpista/common'
import { type Kysely, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** Runs `work` in a write transaction that is on disk when the promise resolves; an exception undoes it. */
export type Write = <Result>(work: (transaction: Kysely<Tables>) => Promise<Result>) => Promise<Result>

type Job = { work: (transaction: Kysely<Tables>) => Promise<unknown>; settle: (outcome: Outcome) => void }
type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown }

/**
 * A writer that commits what waits together: changes that come within one turn of the event loop share one
 * sync to disk, the expensive part. Each piece of work stands in a savepoint of its own, so that one that fails undoes
 * only itself; all of them run one after another, so that none sees another half done.
 */
export function createWriter(db: Kysely<Tables>): Write {
  let waiting: Job[] = []
  let flushing = false

  const flush = async () => {
    flushing = true
    while (waiting.length > 0) {
      await turn()
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
    return await immediate(db, async (transaction) => {
      const outcomes: Outcome[] = []
      for (const job of jobs) outcomes.push(await runAlone(transaction, job))
      return outcomes
    })
  } catch (error) {
    return jobs.map(() => ({ ok: false, error }))
  }
}

async function runAlone(transaction: Kysely<Tables>, { work }: Job): Promise<Outcome> {
  await sql`SAVEPOINT work`.execute(transaction)
  try {
    const value = await work(transaction)
    await sql`RELEASE work`.execute(transaction)
    return { ok: true, value }
  } catch (error) {
    await sql`ROLLBACK TO work`.execute(transaction)
    await sql`RELEASE work`.execute(transaction)
    return { ok: false, error }
  }
}
