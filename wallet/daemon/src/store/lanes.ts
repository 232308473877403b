import type { NetworkName } from '@waiaas/core'
import { type Kysely, sql } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** The next sequence number of an account; `undefined` for one that never signed here. */
export async function laneNext(db: Kysely<Tables>, network: NetworkName, address: string): Promise<bigint | undefined> {
  const row = await db
    .selectFrom('lanes')
    .select('next_sequence')
    .where('network', '=', network)
    .where('address', '=', address)
    .executeTakeFirst()
  return row === undefined ? undefined : BigInt(row.next_sequence)
}

export async function setLaneNext(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  next: bigint,
): Promise<void> {
  await upsert(db, { network, address, next_sequence: next.toString() })
}

const upsert = statement((db, row: Tables['lanes']) =>
  db
    .insertInto('lanes')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['network', 'address']).doUpdateSet({ next_sequence: row.next_sequence }),
    ),
)

/**
 * Numbers below `next` and from `from` on that no living signature of ours uses, ascending: what a refused signature
 * left behind. Later ones cannot take effect before each of these is used. Whether a transaction made elsewhere is
 * ever sent is its caller's choice, so its number counts as free.
 */
export async function laneGaps(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  range: { from: bigint; next: bigint },
): Promise<bigint[]> {
  const gaps: bigint[] = []
  for (let start = range.from; start < range.next; start += CHUNK) {
    const end = start + CHUNK < range.next ? start + CHUNK : range.next
    const numbers = Array.from({ length: Number(end - start) }, (_, index) => start + BigInt(index))
    const used = await db
      .selectFrom('attempts')
      .select('sequence')
      .where('network', '=', network)
      .where('address', '=', address)
      .where('sequence', 'in', numbers.map(String))
      .where('state', '<>', 'DEAD')
      .where('purpose', '<>', 'OUTSIDE')
      .execute()
    const taken = new Set(used.map(({ sequence }) => sequence))
    gaps.push(...numbers.filter((number) => !taken.has(number.toString())))
  }
  return gaps
}

/**
 * The transaction that a free number belongs to: whose signature with it died, or the first of those that wait behind
 * it, where the signature was forgotten before it was stored.
 */
export async function gapOwner(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<string | undefined> {
  const behind = attemptsFrom(db, network, address, sequence).where('purpose', '<>', 'OUTSIDE')
  const first = await behind
    .select('transaction_id')
    .orderBy(sql`cast(sequence AS INTEGER)`)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return first?.transaction_id
}

/** How many signatures with this number or a later one are proven to be in a block for good. */
export async function finalFrom(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<number> {
  const { count } = await attemptsFrom(db, network, address, sequence)
    .where('state', '=', 'FINAL')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** Frees the numbers from this one on that final signatures have; answers the highest that a living one keeps. */
export async function forgetFrom(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<bigint | undefined> {
  const made = await attemptsFrom(db, network, address, sequence)
    .select(['id', 'sequence', 'state', 'purpose'])
    .execute()
  const final = made.flatMap(({ id, state }) => (state === 'FINAL' ? [id] : []))
  for (let start = 0; start < final.length; start += Number(CHUNK)) {
    const ids = final.slice(start, start + Number(CHUNK))
    await db.updateTable('attempts').set({ state: 'DEAD' }).where('id', 'in', ids).execute()
  }
  return made
    .filter(({ state, purpose }) => purpose !== 'OUTSIDE' && (state === 'LIVE' || state === 'INCLUDED'))
    .map((each) => BigInt(each.sequence!))
    .reduce<bigint | undefined>((most, each) => (most === undefined || each > most ? each : most), undefined)
}

function attemptsFrom(db: Kysely<Tables>, network: NetworkName, address: string, sequence: bigint) {
  return db
    .selectFrom('attempts')
    .where('network', '=', network)
    .where('address', '=', address)
    .where(sql<boolean>`cast(sequence AS INTEGER) >= ${sequence}`)
}

const CHUNK = 500n
