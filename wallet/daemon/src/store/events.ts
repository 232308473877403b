import { hash } from 'node:crypto'
import { canonicalJson, type Json } from '@waiaas/core'
import { type Insertable, type Kysely, sql } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type NewEvent = {
  type: string
  /** Who did it: `admin`, `session:<id>`, `owner:<address>`, `daemon`, `source:<ip>`. */
  actor: string
  agentId?: string
  transactionId?: string
  data?: { [key: string]: Json }
}

export const GENESIS_HASH = '0'.repeat(64)

/**
 * Appends to the event log, chained by SHA-256 to the entry before. Call it in the database transaction of
 * the change it tells of: if the log cannot be written, the change does not happen.
 */
export async function appendEvent(transaction: Kysely<Tables>, at: number, event: NewEvent): Promise<void> {
  await appendEvents(transaction, at, [event])
}

/** The same for several, in this order. */
export async function appendEvents(
  transaction: Kysely<Tables>,
  at: number,
  events: readonly NewEvent[],
): Promise<void> {
  const [last] = await lastHash(transaction, {})
  let previous = last?.hash ?? GENESIS_HASH
  for (const event of events) {
    const entry = {
      at,
      type: event.type,
      actor: event.actor,
      agent_id: event.agentId ?? null,
      transaction_id: event.transactionId ?? null,
      data: JSON.stringify(event.data ?? {}),
      previous_hash: previous,
    }
    previous = eventHash(entry)
    await insertEvent(transaction, { ...entry, hash: previous })
  }
}

/** With its limit in the text: SQLite plans a statement anew each time that a limit is bound to it. */
const lastHash = statement((db) => db.selectFrom('events').select('hash').orderBy('seq', 'desc').limit(sql.lit(1)))
const insertEvent = statement((db, entry: Insertable<Tables['events']>) => db.insertInto('events').values(entry))

/** The same for what the daemon itself has to say of a transaction. */
export async function appendNote(
  transaction: Kysely<Tables>,
  at: number,
  row: { id: string; agent_id: string },
  type: string,
  data: { [key: string]: Json },
): Promise<void> {
  await appendEvent(transaction, at, { type, actor: 'daemon', agentId: row.agent_id, transactionId: row.id, data })
}

/** The hash of an entry: SHA-256 over the canonical JSON of everything but the hash and the row number. */
export function eventHash(entry: Omit<Tables['events'], 'seq' | 'hash'>): string {
  const { at, type, actor, agent_id, transaction_id, data, previous_hash } = entry
  return hash('sha256', canonicalJson({ at, type, actor, agent_id, transaction_id, data, previous_hash }))
}
