import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Database, openDatabase } from '@openpista/common'
import type { CompiledQuery, Kysely } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAttempts } from './attempts.ts'
import { spentUnder } from './ledger.ts'
import { lapsedSessions } from './sessions.ts'
import { migrations, type Tables } from './tables.ts'
import { busyTransactions, closingWith, countQueued, dueTransactions } from './transactions.ts'

let folder: string
let database: Database<Tables>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waiaas-plans-'))
  database = await openDatabase<Tables>({ path: join(folder, 'wallet.db'), migrations, synchronous: 'NORMAL' })
})
afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

/** How SQLite finds the rows of every query that `work` makes, with no values bound, as when it is prepared. */
async function plansOf(work: (db: Kysely<Tables>) => Promise<unknown>): Promise<string[]> {
  const asked: string[] = []
  const db = new Proxy(database.kysely as unknown as Kysely<Tables>, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'executeQuery') return value.bind(target) as unknown
      return (query: CompiledQuery) => {
        asked.push(query.sql)
        return target.executeQuery(query)
      }
    },
  })
  await work(db)
  const plain = new DatabaseSync(join(folder, 'wallet.db'))
  try {
    return asked.flatMap((sql) =>
      plain
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail)),
    )
  } finally {
    plain.close()
  }
}

const regular: [string, (db: Kysely<Tables>) => Promise<unknown>][] = [
  ['what is busy', busyTransactions],
  ['what is due', (db) => dueTransactions(db, { seconds: () => 1, ends: ({ until }) => until })],
  ['signatures that are out', (db) => openAttempts(db, 'evm-local', 'own')],
  ['signatures that are out or in a block', (db) => openAttempts(db, 'evm-local', 'own and outside')],
  ['sessions that ended', (db) => lapsedSessions(db, 1)],
  ['what an agent has queued', (db) => countQueued(db, 'me')],
  ['equal payments that were given up', (db) => closingWith(db, { agent_id: 'me', network: 'evm-local', effects: '' })],
  ['what limits count', (db) => spentUnder(db, 'me', 'evm-local/native', 1)],
]

test.each(regular)('%s is found by an index, however much there was before', async (_, work) => {
  const plans = await plansOf(work)
  expect(plans.length).toBeGreaterThan(0)
  // Lists that a query brings along are read whole.
  expect(plans.filter((plan) => plan.startsWith('SCAN') && !plan.startsWith('SCAN json_each'))).toEqual([])
})
