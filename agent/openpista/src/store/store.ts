import { setImmediate } from 'node:timers/promises'
import { immediate, openDatabase } from '@openpista/common'
import { type Kysely, sql } from 'kysely'
import { migrations, type Tables } from './tables.ts'

export type Transaction = Kysely<Tables>

/** The agent's database. */
export type Store = {
  /** For reading. */
  db: Kysely<Tables>
  /**
   * Runs `work` in a write transaction and resolves once it is on disk. Works that wait at the same time share one
   * transaction, and so one sync of the disk; one that throws undoes only itself.
   */
  write: <Result>(work: (transaction: Transaction) => Promise<Result>) => Promise<Result>
  close: () => Promise<void>
}

/** Opens (or creates) the database at `path`; `:memory:` for one that vanishes. */
export async function openStore(path: string): Promise<Store> {
  const database = await openDatabase<Tables>({ path, migrations, synchronous: 'FULL' })
  const db = database.kysely as unknown as Kysely<Tables>
  const waiting: Job[] = []
  let draining: Promise<void> | undefined

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // What else has arrived by now comes along: a sync of the disk costs more than everything around it.
      await setImmediate()
      await runBatch(db, waiting.splice(0))
    }
    draining = undefined
  }

  return {
    db,
    write: <Result>(work: (transaction: Transaction) => Promise<Result>) => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      waiting.push({ work, resolve: resolve as (result: unknown) => void, reject })
      draining ??= drain()
      return promise
    },
    close: async () => {
      await draining
      await database.close()
    },
  }
}

type Job = {
  work: (transaction: Transaction) => Promise<unknown>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

async function runBatch(db: Kysely<Tables>, jobs: Job[]): Promise<void> {
  const settle: (() => void)[] = []
  try {
    await immediate(db, async (transaction) => {
      for (const job of jobs) settle.push(await runJob(transaction, job, jobs.length === 1))
    })
  } catch (error) {
    for (const job of jobs) job.reject(error)
    return
  }
  for (const done of settle) done()
}

async function runJob(transaction: Transaction, job: Job, alone: boolean): Promise<() => void> {
  if (alone) {
    const result = await job.work(transaction)
    return () => job.resolve(result)
  }
  await savepoint(transaction, 'SAVEPOINT job')
  try {
    const result = await job.work(transaction)
    await savepoint(transaction, 'RELEASE job')
    return () => job.resolve(result)
  } catch (error) {
    await savepoint(transaction, 'ROLLBACK TO job')
    await savepoint(transaction, 'RELEASE job')
    return () => job.reject(error)
  }
}

async function savepoint(transaction: Transaction, statement: string): Promise<void> {
  await sql.raw(statement).execute(transaction)
}
