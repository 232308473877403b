import { createPublicKey, verify } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { checkpointText, type SignedCheckpoint } from '@waiaas/core/checkpoint'
import type { Kysely, Selectable } from 'kysely'
import { eventHash, GENESIS_HASH } from './events.ts'
import type { Tables } from './tables.ts'

export type EventRow = Selectable<Tables['events']>

/**
 * What a check of the chain found. `firstBad`: number of the first entry that is not what was written. `vouched`: the
 * signer has seen the entries up to this one; whether later ones are missing or replaced nobody can tell.
 */
export type AuditCheck =
  | { ok: true; entries: number; lastHash: string; checkpoints: number; vouched: number }
  | { ok: false; entries: number; firstBad: number; why: string }

/** Whom checkpoints must be signed by, the last entry that this signer vouched for, and the newest that it has seen. */
export type AuditAnchor = {
  publicKey: string
  seq: number
  hash: string
  head?: { seq: number; hash: string } | undefined
}

/** The type of an event whose data is a signed checkpoint. */
export const CHECKPOINT_EVENT = 'AUDIT_CHECKPOINT'

const BATCH = 1000

/**
 * Checks every entry of the event log against its hash and the entry before, and every signed checkpoint.
 * With an anchor it also finds a log that was written anew, or that ends before what was signed.
 */
export async function verifyEvents(db: Kysely<Tables>, anchor?: AuditAnchor): Promise<AuditCheck> {
  const check = await verifyChain(readEvents(db), anchor)
  const newest = Math.max(anchor?.seq ?? 0, anchor?.head?.seq ?? 0)
  if (!check.ok || check.entries >= newest) return check
  const why = `The signer has seen entry ${newest}, and it is missing: the log was cut, or the database is an older one.`
  return { ok: false, entries: check.entries, firstBad: check.entries + 1, why }
}

/**
 * Checks an exported log: one entry of the event table as JSON per line. Needs no daemon and no database. An
 * export may be older than the anchor.
 */
export async function verifyEventFile(path: string, anchor?: AuditAnchor): Promise<AuditCheck> {
  const stated: { end?: ExportEnd } = {}
  const check = await verifyChain(entriesOf(readLines(path), stated), anchor)
  if (!check.ok) return check
  const { end } = stated
  if (end?.entries === check.entries && end.lastHash === check.lastHash) return check
  const why =
    end === undefined
      ? 'The file does not state its end: it was cut, or an older version exported it.'
      : `The file states ${end.entries} entries and has ${check.entries}: it was cut or put together.`
  return { ok: false, entries: check.entries, firstBad: check.entries + 1, why }
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

/** The last line of an export: how long it is, and the hash of its last entry. */
export type ExportEnd = { entries: number; lastHash: string }

/** The lines up to the one that states the end. */
async function* entriesOf(lines: AsyncIterable<unknown>, stated: { end?: ExportEnd }): AsyncGenerator<unknown> {
  for await (const line of lines) {
    if (stated.end !== undefined) yield undefined
    const end = (line as { end?: ExportEnd } | undefined)?.end
    if (end === undefined) yield line
    else stated.end = end
  }
}

async function verifyChain(entries: AsyncIterable<unknown>, anchor: AuditAnchor | undefined): Promise<AuditCheck> {
  const checkpoints = createCheckpointCheck(anchor)
  let count = 0
  let previous: Pick<EventRow, 'seq' | 'hash'> = { seq: 0, hash: GENESIS_HASH }
  for await (const entry of entries) {
    const fault = isEventRow(entry)
      ? (faultOf(entry, previous) ?? checkpoints.fault(entry))
      : 'is not an entry of the event log'
    if (fault !== undefined) {
      const firstBad = isEventRow(entry) ? entry.seq : previous.seq + 1
      return { ok: false, entries: count, firstBad, why: `Entry ${firstBad} ${fault}.` }
    }
    previous = entry as EventRow
    count++
  }
  const { count: signed, vouched } = checkpoints
  return {
    ok: true,
    entries: count,
    lastHash: previous.hash,
    checkpoints: signed(),
    vouched: Math.min(count, vouched()),
  }
}

/** Checkpoints are made of every hundredth entry, and of the last one before a stop. */
const KEPT_RECENT = 1_000
export const CHECKPOINT_EVERY = 100

function createCheckpointCheck(anchor: AuditAnchor | undefined) {
  const hashes = new Map<number, string>()
  let publicKey = anchor?.publicKey
  let count = 0
  let vouched = 0
  const remember = ({ seq, hash }: EventRow) => {
    hashes.set(seq, hash)
    const old = seq - KEPT_RECENT
    if (old % CHECKPOINT_EVERY !== 0) hashes.delete(old)
  }
  return {
    count: () => count,
    vouched: () => Math.max(vouched, anchor?.seq ?? 0, anchor?.head?.seq ?? 0),
    fault: (entry: EventRow): string | undefined => {
      remember(entry)
      if (entry.seq === anchor?.seq && entry.hash !== anchor.hash) return 'is not the entry that was signed'
      const head = anchor?.head
      if (entry.seq === head?.seq && entry.hash !== head.hash) return 'is not the entry that the signer has seen'
      if (entry.type !== CHECKPOINT_EVENT) return undefined
      const checkpoint = parse(entry.data)
      if (!isCheckpoint(checkpoint)) return 'is no checkpoint'
      publicKey ??= checkpoint.publicKey
      if (checkpoint.publicKey !== publicKey) return 'is a checkpoint that somebody else signed'
      if (hashes.get(checkpoint.seq) !== checkpoint.hash) return `vouches for another entry ${checkpoint.seq}`
      if (!isSigned(checkpoint)) return 'is a checkpoint whose signature does not match'
      count++
      vouched = checkpoint.seq
      return undefined
    },
  }
}

function isCheckpoint(value: unknown): value is SignedCheckpoint {
  if (typeof value !== 'object' || value === null) return false
  const { seq, hash, count, at, publicKey, signature } = value as Record<string, unknown>
  const hex = (text: unknown, bytes: number) =>
    typeof text === 'string' && new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(text)
  return [seq, count, at].every(Number.isSafeInteger) && hex(hash, 32) && hex(publicKey, 32) && hex(signature, 64)
}

function isSigned(checkpoint: SignedCheckpoint): boolean {
  const x = Buffer.from(checkpoint.publicKey, 'hex').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, Buffer.from(checkpointText(checkpoint)), key, Buffer.from(checkpoint.signature, 'hex'))
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
