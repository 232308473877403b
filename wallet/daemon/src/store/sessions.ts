import { SessionConstraints, type SessionTotals } from '@waiaas/core'
import { type Kysely, type Selectable, sql } from 'kysely'
import { appendEvent } from './events.ts'
import { countOf, spentBySession } from './ledger.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export async function findSession(db: Kysely<Tables>, id: string): Promise<Selectable<Tables['sessions']> | undefined> {
  const [row] = await sessionById(db, { id })
  return row
}

const sessionById = statement((db, { id }: { id: string }) =>
  db.selectFrom('sessions').selectAll().where('id', '=', id),
)

/** A session's limits, and whether it has any that need its totals. */
export type SessionLimits = { constraints: SessionConstraints; revoked: boolean; budget: boolean }

/** @throws ZodError for constraints that were not stored by this program. */
export async function sessionLimits(db: Kysely<Tables>, id: string): Promise<SessionLimits | undefined> {
  const row = await findSession(db, id)
  if (row === undefined) return undefined
  const constraints = SessionConstraints.parse(JSON.parse(row.constraints))
  const budget = constraints.maxTotalAmount !== undefined || constraints.maxTransactions !== undefined
  return { constraints, revoked: row.revoked_at !== null, budget }
}

/** What counts against the budget of a session now. */
export async function sessionTotals(
  db: Kysely<Tables>,
  id: string,
  constraints: SessionConstraints,
  ago: (seconds: number) => number,
): Promise<SessionTotals> {
  const from = constraints.windowSeconds === undefined ? 0 : ago(constraints.windowSeconds)
  const spent = new Map<string, bigint>()
  for (const key of Object.keys(constraints.maxTotalAmount ?? {})) {
    spent.set(key, await spentBySession(db, id, key, from))
  }
  const transactions = constraints.maxTransactions === undefined ? 0n : await countOf(db, id, from)
  return { spent, transactions }
}

/** Revokes what still lives: of one agent, or of everybody. Answers the ids. */
export async function revokeSessions(
  db: Kysely<Tables>,
  now: number,
  by: { actor: string; agentId?: string; why: string },
): Promise<string[]> {
  let query = db.updateTable('sessions').set({ revoked_at: now }).where('revoked_at', 'is', null)
  query = query.where('expires_at', '>', now)
  if (by.agentId !== undefined) query = query.where('agent_id', '=', by.agentId)
  const rows = await query.returning(['id', 'agent_id']).execute()
  for (const { id, agent_id } of rows) {
    const data = { sessionId: id, why: by.why }
    await appendEvent(db, now, { type: 'SESSION_REVOKED', actor: by.actor, agentId: agent_id, data })
  }
  return rows.map(({ id }) => id)
}

/** The living sessions whose time is over and of whom nobody was told. */
export async function lapsedSessions(db: Kysely<Tables>, now: number) {
  return await lapsed(db, { now })
}

const lapsed = statement((db, { now }: { now: number }) =>
  db
    .selectFrom('sessions')
    .select(['id', 'agent_id'])
    .where('revoked_at', 'is', null)
    .where('expiry_told', '=', sql.lit(0))
    .where('expires_at', '<=', now)
    .limit(sql.lit(100)),
)

/** Writes once that a session's time is over. */
export async function tellExpiry(
  db: Kysely<Tables>,
  now: number,
  { id, agent_id }: { id: string; agent_id: string },
): Promise<void> {
  const told = await db
    .updateTable('sessions')
    .set({ expiry_told: 1 })
    .where('id', '=', id)
    .where('expiry_told', '=', 0)
    .where('revoked_at', 'is', null)
    .where('expires_at', '<=', now)
    .executeTakeFirst()
  if (told.numUpdatedRows === 0n) return
  const event = { type: 'SESSION_EXPIRED', actor: 'daemon', agentId: agent_id, data: { sessionId: id } }
  await appendEvent(db, now, event)
}
