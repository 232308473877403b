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

/** Entries after `after`, oldest first. */
export async function listAudit(db: Kysely<Tables>, after: number, limit: number): Promise<AuditEntry[]> {
  const rows = await db.selectFrom('events').selectAll().where('seq', '>', after).orderBy('seq').limit(limit).execute()
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
