import { type Kysely, sql } from 'kysely'
import { untrustedSources } from '../domain/history.ts'
import type { Message } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { Store, Transaction } from './store.ts'
import type { Tables } from './tables.ts'

export type WorkerRow = Tables['workers']

/** Where a session's owner is: for a worker's the session at its root and the worker's name. */
export type Root = { sessionId: string; channel: string; worker?: string }

/** `undefined` for a session that is no worker's, or is gone. */
export async function rootOf(db: Kysely<Tables>, sessionId: string): Promise<Root | undefined> {
  const row = await db
    .selectFrom('workers')
    .innerJoin('sessions', 'sessions.id', 'workers.root_id')
    .select(['workers.name', 'sessions.id', 'sessions.channel'])
    .where('workers.session_id', '=', sessionId)
    .executeTakeFirst()
  return row === undefined ? undefined : { sessionId: row.id, channel: row.channel, worker: row.name }
}

export async function workerOfSession(db: Kysely<Tables>, sessionId: string): Promise<WorkerRow | undefined> {
  return await db.selectFrom('workers').selectAll().where('session_id', '=', sessionId).executeTakeFirst()
}

/** The sessions of all workers that a session started, and of theirs. */
export async function workerSessions(db: Kysely<Tables>, sessionId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    WITH RECURSIVE below(id) AS (
      SELECT session_id FROM workers WHERE parent_id = ${sessionId}
      UNION SELECT workers.session_id FROM workers JOIN below ON workers.parent_id = below.id
    ) SELECT id FROM below`.execute(db)
  return rows.map(({ id }) => id)
}

/** Notes that the owner stopped what runs in these sessions, as far as workers run there. */
export async function markStopped(store: Store, sessions: readonly string[]): Promise<void> {
  const running = await store.db
    .selectFrom('workers')
    .select('id')
    .where('session_id', 'in', sessions)
    .where('state', '=', 'running')
    .execute()
  if (running.length === 0) return
  const ids = running.map(({ id }) => id)
  await store.write(async (transaction) => {
    await transaction.updateTable('workers').set({ stopped: 1 }).where('id', 'in', ids).execute()
  })
}
/** Everybody but the owner whose words ever stood in a session, whatever of it a model still sees. */
export async function everySource(db: Kysely<Tables>, sessionId: string): Promise<Provenance[]> {
  const rows = await db
    .selectFrom('messages')
    .select('body')
    .where('session_id', '=', sessionId)
    .where('role', 'in', ['user', 'tool'])
    .execute()
  return untrustedSources(rows.map(({ body }) => JSON.parse(body) as Message))
}

/** A report that waits for the next turn of its session and was read there otherwise. */
export async function dropWaitingReport(transaction: Transaction, sessionId: string, reportId: string): Promise<void> {
  await transaction
    .updateTable('inbox')
    .set({ state: 'DONE' })
    .where('session_id', '=', sessionId)
    .where('state', '=', 'WAITING')
    .where(sql`json_extract(body, '$.id')`, '=', reportId)
    .execute()
}

export async function findWorker(db: Kysely<Tables>, id: string): Promise<WorkerRow | undefined> {
  return await db.selectFrom('workers').selectAll().where('id', '=', id).executeTakeFirst()
}

/** A worker of a session by its id or name; of several of one name the newest. */
export async function findWorkerOf(
  db: Kysely<Tables>,
  sessionId: string,
  worker: string,
): Promise<WorkerRow | undefined> {
  return (await workersOf(db, sessionId)).find(({ id, name }) => id === worker || name === worker)
}

/** The newest workers of a session, the newest first. */
export async function workersOf(db: Kysely<Tables>, sessionId: string): Promise<WorkerRow[]> {
  return await db
    .selectFrom('workers')
    .selectAll()
    .where('parent_id', '=', sessionId)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(LISTED)
    .execute()
}

const LISTED = 50

export async function runningWorkers(db: Kysely<Tables>): Promise<WorkerRow[]> {
  return await db.selectFrom('workers').selectAll().where('state', '=', 'running').execute()
}

/** The sessions of the workers that a session started and that still run. */
export async function runningBelow(db: Kysely<Tables>, sessionId: string): Promise<string[]> {
  const rows = (await workersOf(db, sessionId)).filter(({ state }) => state === 'running')
  return rows.map(({ session_id }) => session_id)
}
