import type { Kysely, Selectable } from 'kysely'
import { eventHash, GENESIS_HASH } from '../../store/events.ts'
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

export type AuditVerdict = { ok: boolean; entries: number; firstBad?: number; why?: string }

type EventRow = Selectable<Tables['events']>

const BATCH = 1000

/** Entries after `after`, oldest first. */
export async function listAudit(db: Kysely<Tables>, after: number, limit: number): Promise<AuditEntry[]> {
  return (await readBatch(db, after, limit)).map(auditEntry)
}

/** Reads the whole log and checks every hash and every link; names the first bad entry. */
export async function verifyAudit(db: Kysely<Tables>): Promise<AuditVerdict> {
  return await verifyEntries(rowsOf(db))
}

/** The same for entries of an export, one JSON object per line. */
export async function verifyAuditLines(lines: AsyncIterable<string>): Promise<AuditVerdict> {
  return await verifyEntries(rowsOfLines(lines))
}

type Entry = Omit<EventRow, 'data'> & { data: string }

async function verifyEntries(rows: AsyncIterable<Entry | { unreadable: string }>): Promise<AuditVerdict> {
  let entries = 0
  let previous = { seq: 0, hash: GENESIS_HASH }
  for await (const row of rows) {
    entries += 1
    if ('unreadable' in row) return { ok: false, entries, firstBad: previous.seq + 1, why: row.unreadable }
    const { seq, hash, ...content } = row
    const why = fault(previous, row, content)
    if (why !== undefined) return { ok: false, entries, firstBad: seq, why }
    previous = { seq, hash }
  }
  return { ok: true, entries }
}

function fault(
  previous: { seq: number; hash: string },
  row: Entry,
  content: Omit<Entry, 'seq' | 'hash'>,
): string | undefined {
  if (row.seq !== previous.seq + 1) return `entry ${previous.seq + 1} is missing`
  if (row.previous_hash !== previous.hash) return 'its link does not match the entry before'
  if (eventHash(content) !== row.hash) return 'its content does not match its hash'
  return undefined
}

async function* rowsOf(db: Kysely<Tables>): AsyncIterable<EventRow> {
  let after = 0
  for (;;) {
    const rows = await readBatch(db, after, BATCH)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.seq
  }
}

async function* rowsOfLines(lines: AsyncIterable<string>): AsyncIterable<Entry | { unreadable: string }> {
  for await (const line of lines) {
    if (line.trim() === '') continue
    yield rowOf(line) ?? { unreadable: 'the line is no entry' }
  }
}

function rowOf(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as AuditEntry & { data: unknown }
    return {
      seq: entry.seq,
      at: entry.at,
      type: entry.type,
      actor: entry.actor,
      agent_id: entry.agentId ?? null,
      transaction_id: entry.transactionId ?? null,
      data: JSON.stringify(entry.data),
      previous_hash: entry.previousHash,
      hash: entry.hash,
    }
  } catch {
    return undefined
  }
}

async function readBatch(db: Kysely<Tables>, after: number, limit: number): Promise<EventRow[]> {
  return await db.selectFrom('events').selectAll().where('seq', '>', after).orderBy('seq').limit(limit).execute()
}

function auditEntry(row: EventRow): AuditEntry {
  return {
    seq: row.seq,
    at: row.at,
    type: row.type,
    actor: row.actor,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.transaction_id === null ? {} : { transactionId: row.transaction_id }),
    data: JSON.parse(row.data),
    previousHash: row.previous_hash,
    hash: row.hash,
  }
}
