import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Kysely, Selectable } from 'kysely'
import { eventHash, GENESIS_HASH } from './events.ts'
import type { Tables } from './tables.ts'

export type EventRow = Selectable<Tables['events']>

/** What a check of the chain found. `firstBad`: number of the first entry that is not what was written. */
export type AuditCheck =
  | { ok: true; entries: number; lastHash: string }
  | { ok: false; entries: number; firstBad: number; why: string }

const BATCH = 1000

/** Checks every entry of the event log against its hash and the entry before. */
export async function verifyEvents(db: Kysely<Tables>): Promise<AuditCheck> {
  return await verifyChain(readEvents(db))
}

/** Checks an exported log: one entry of the event table as JSON per line. Needs no daemon and no database. */
export async function verifyEventFile(path: string): Promise<AuditCheck> {
  return await verifyChain(readLines(path))
}

/** The event log, oldest first, in batches: also what an export writes, one JSON object per line. */
export async function* readEvents(db: Kysely<Tables>): AsyncGenerator<EventRow> {
  let last = 0
  for (;;) {
    const rows = await db.selectFrom('events').selectAll().where('seq', '>', last).orderBy('seq').limit(BATCH).execute()
    yield* rows
    if (rows.length < BATCH) return
    last = rows.at(-1)!.seq
  }
}

async function verifyChain(entries: AsyncIterable<unknown>): Promise<AuditCheck> {
  let count = 0
  let previous: Pick<EventRow, 'seq' | 'hash'> = { seq: 0, hash: GENESIS_HASH }
  for await (const entry of entries) {
    const fault = isEventRow(entry) ? faultOf(entry, previous) : 'is not an entry of the event log'
    if (fault !== undefined) {
      const firstBad = isEventRow(entry) ? entry.seq : previous.seq + 1
      return { ok: false, entries: count, firstBad, why: `Entry ${firstBad} ${fault}.` }
    }
    previous = entry as EventRow
    count++
  }
  return { ok: true, entries: count, lastHash: previous.hash }
}

function faultOf(entry: EventRow, previous: Pick<EventRow, 'seq' | 'hash'>): string | undefined {
  if (entry.seq !== previous.seq + 1) return `follows entry ${previous.seq}: entries are missing or out of order`
  if (entry.previous_hash !== previous.hash) return 'does not continue the entry before it'
  return eventHash(entry) === entry.hash ? undefined : 'does not match its hash: it was changed'
}

async function* readLines(path: string): AsyncGenerator<unknown> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') yield parse(line)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function isEventRow(value: unknown): value is EventRow {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as Record<string, unknown>
  const texts = ['type', 'actor', 'data', 'previous_hash', 'hash'].every((name) => typeof entry[name] === 'string')
  const optional = ['agent_id', 'transaction_id'].every(
    (name) => entry[name] === null || typeof entry[name] === 'string',
  )
  return texts && optional && Number.isSafeInteger(entry.seq) && Number.isSafeInteger(entry.at)
}
