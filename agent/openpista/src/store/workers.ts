import { type Kysely, sql } from 'kysely'
import type { Store } from './store.ts'
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
