import type { Kysely } from 'kysely'
import type { Tables } from '../../store/tables.ts'

export type AuditEntry = {
  seq: number
  at: number
  type: string
  actor: string
  agentId?: string
  transactionId?: string
  data: Record<string, unknown>
  previousHash: string
  hash: string
}

/** Which entries: those after number `after`, and only those that match everything that is named. */
export type AuditFilter = {
  after: number
  limit: number
  type?: string | undefined
  actor?: string | undefined
  agentId?: string | undefined
  transactionId?: string | undefined
}

/** Entries that match, oldest first. */
export async function listAudit(db: Kysely<Tables>, filter: AuditFilter): Promise<AuditEntry[]> {
  const { after, limit, type, actor, agentId, transactionId } = filter
  let query = db.selectFrom('events').selectAll().where('seq', '>', after).orderBy('seq').limit(limit)
  if (type !== undefined) query = query.where('type', '=', type)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (transactionId !== undefined) query = query.where('transaction_id', '=', transactionId)
  const rows = await query.execute()
  return rows.map((row) => ({
    seq: row.seq,
    at: row.at,
    type: row.type,
    actor: row.actor,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.transaction_id === null ? {} : { transactionId: row.transaction_id }),
    data: JSON.parse(row.data),
    previousHash: row.previous_hash,
    hash: row.hash,
  }))
}
