import { canonicalHash } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { Transaction } from './store.ts'
import type { Tables } from './tables.ts'

export type AuditEntry = { type: string; sessionId: string | null; data: Record<string, unknown> }

const GENESIS_HASH = '0'.repeat(64)

/**
 * Appends to the audit log, chained by SHA-256 to the entry before. Call it in the transaction of the change it
 * tells of: if the log cannot be written, the change does not happen.
 */
export async function appendAudit(transaction: Transaction, at: number, entry: AuditEntry): Promise<void> {
  const last = await transaction.selectFrom('audit').select('hash').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const row = {
    at,
    type: entry.type,
    session_id: entry.sessionId,
    data: JSON.stringify(entry.data),
    previous_hash: last?.hash ?? GENESIS_HASH,
  }
  await transaction
    .insertInto('audit')
    .values({ ...row, hash: auditHash(row) })
    .execute()
}

/** Walks the whole chain. `brokenAt`: the first entry that does not follow from the one before. */
export async function verifyAudit(
  db: Kysely<Tables>,
): Promise<{ ok: true; entries: number; head: string } | { ok: false; entries: number; brokenAt: number }> {
  let entries = 0
  let head = GENESIS_HASH
  let after = 0
  for (;;) {
    const rows = await db.selectFrom('audit').selectAll().where('seq', '>', after).orderBy('seq').limit(500).execute()
    for (const row of rows) {
      if (row.previous_hash !== head || row.hash !== auditHash(row)) return { ok: false, entries, brokenAt: row.seq }
      head = row.hash
      after = row.seq
      entries += 1
    }
    if (rows.length === 0) return { ok: true, entries, head }
  }
}

/** SHA-256 over the canonical JSON of everything but the hash and the row number. */
function auditHash(row: Omit<Tables['audit'], 'seq' | 'hash'>): string {
  const { at, type, session_id, data, previous_hash } = row
  return canonicalHash({ at, type, session_id, data, previous_hash })
}
