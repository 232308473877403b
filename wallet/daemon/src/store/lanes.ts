import type { NetworkName } from '@waiaas/core'
import { type Kysely, sql } from 'kysely'
import { settingKeys } from './settings.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** The next number of an account, and why nothing is signed for it; `undefined` for one that never signed here. */
export async function laneOf(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
): Promise<{ next: bigint; held: string | null } | undefined> {
  const row = await db
    .selectFrom('lanes')
    .select(['next_sequence', 'held'])
    .where('network', '=', network)
    .where('address', '=', address)
    .executeTakeFirst()
  return row === undefined ? undefined : { next: BigInt(row.next_sequence), held: row.held }
}

/** Whether a payment may be signed now: why nothing is for the account, if so, and the number of the policy set in force. */
export async function beforeSigning(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
): Promise<{ held: string | null; policyVersion: number }> {
  const [row] = await heldAndVersion(db, { network, address })
  return { held: row!.held, policyVersion: Number(row!.version ?? 0) }
}

const heldAndVersion = statement((db, { network, address }: { network: NetworkName; address: string }) =>
  db.selectNoFrom((build) => [
    build.selectFrom('lanes').select('held').where('network', '=', network).where('address', '=', address).as('held'),
    build.selectFrom('settings').select('value').where('key', '=', settingKeys.policyVersion).as('version'),
  ]),
)

/** Nothing is signed for an account until it is released. */
export async function holdAccount(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  why: string,
): Promise<void> {
  await db
    .insertInto('lanes')
    .values({ network, address, next_sequence: '0', held: why })
    .onConflict((conflict) => conflict.columns(['network', 'address']).doUpdateSet({ held: why }))
    .execute()
}

/** Accounts for which nothing is signed, and why. */
export async function heldAccounts(
  db: Kysely<Tables>,
): Promise<{ network: NetworkName; address: string; why: string }[]> {
  const rows = await db.selectFrom('lanes').selectAll().where('held', 'is not', null).execute()
  return rows.map(({ network, address, held }) => ({ network, address, why: held! }))
}

/**
 * Releases an account, and lets its numbers begin again after the highest that was signed for a payment of ours, or at
 * the chain's count where that is higher. A transaction made elsewhere binds no number, whichever it names.
 *
 * @param count what the chain says now; undefined where no node tells.
 * @returns false where nothing held the account.
 */
export async function releaseAccount(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  count: bigint | undefined,
): Promise<boolean> {
  const highest = await attemptsFrom(db, network, address, 0n)
    .where('state', '<>', 'DEAD')
    .where('purpose', '<>', 'OUTSIDE')
    .select(sql<string | null>`cast(max(cast(sequence AS INTEGER)) AS TEXT)`.as('highest'))
    .executeTakeFirst()
  const signed = highest?.highest == null ? 0n : BigInt(highest.highest) + 1n
  const next = count === undefined ? undefined : count > signed ? count : signed
  const released = await db
    .updateTable('lanes')
    .set({ held: null, ...(next !== undefined && { next_sequence: next.toString() }) })
    .where('network', '=', network)
    .where('address', '=', address)
    .where('held', 'is not', null)
    .executeTakeFirst()
  return released.numUpdatedRows > 0n
}

/**
 * Of the bytes of an account that may take effect: the most that each number may cost, and the numbers that no node is
 * known to have taken.
 */
export async function outstandingOf(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
): Promise<{ costs: Map<bigint, bigint>; notAccepted: Set<bigint> }> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('transactions', 'transactions.id', 'attempts.transaction_id')
    .select([
      'attempts.sequence',
      'attempts.cost',
      'attempts.state',
      'transactions.status',
      'transactions.outcome_unknown',
    ])
    .where('attempts.network', '=', network)
    .where('attempts.address', '=', address)
    .where(sql<boolean>`attempts.state IN ('LIVE', 'INCLUDED')`)
    .where('attempts.purpose', '<>', 'OUTSIDE')
    .orderBy(sql`cast(attempts.sequence AS INTEGER)`)
    .execute()
  const costs = new Map<bigint, bigint>()
  const notAccepted = new Set<bigint>()
  const included = new Set<bigint>()
  for (const row of rows) {
    const sequence = BigInt(row.sequence!)
    const cost = BigInt(row.cost ?? 0)
    if (cost >= (costs.get(sequence) ?? 0n)) costs.set(sequence, cost)
    if (row.state === 'INCLUDED') included.add(sequence)
    else if (row.status === 'SUBMITTED' && row.outcome_unknown === 1) notAccepted.add(sequence)
  }
  return { costs, notAccepted: new Set([...notAccepted].filter((each) => !included.has(each))) }
}

/** Whether a block has what was signed under one of these numbers. */
export async function anyInBlock(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequences: readonly bigint[],
): Promise<boolean> {
  const found = await db
    .selectFrom('attempts')
    .select('id')
    .where('network', '=', network)
    .where('address', '=', address)
    .where(
      'sequence',
      'in',
      sequences.map((each) => each.toString()),
    )
    .where('state', 'in', ['INCLUDED', 'FINAL'])
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** How many different numbers of a range have a transaction that was made elsewhere and signed here. */
export async function numbersSignedOutside(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  { from, to }: { from: bigint; to: bigint },
): Promise<bigint> {
  const { count } = await attemptsFrom(db, network, address, from)
    .where(sql<boolean>`cast(sequence AS INTEGER) <= ${to}`)
    .where('purpose', '=', 'OUTSIDE')
    .select(sql<number>`count(DISTINCT sequence)`.as('count'))
    .executeTakeFirstOrThrow()
  return BigInt(count)
}

export async function setLaneNext(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  next: bigint,
): Promise<void> {
  await upsert(db, { network, address, next_sequence: next.toString(), held: null })
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

/** Whether bytes of ours wait behind a number. */
export async function waitsBehind(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<boolean> {
  const behind = await attemptsFrom(db, network, address, sequence + 1n)
    .where(sql<boolean>`state IN ('LIVE', 'INCLUDED')`)
    .where('purpose', '<>', 'OUTSIDE')
    .select('id')
    .executeTakeFirst()
  return behind !== undefined
}

/** How many signatures with this number or a later one are proven to be in a block for good, and one of these blocks. */
export async function finalFrom(
  db: Kysely<Tables>,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<{ count: number; block: { number: bigint; hash: string } | undefined }> {
  const final = attemptsFrom(db, network, address, sequence).where('state', '=', 'FINAL')
  const { count } = await final.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  if (count === 0) return { count, block: undefined }
  const one = await final
    .select(['block_number', 'block_hash'])
    .where('block_hash', 'is not', null)
    .orderBy('block_number', 'asc')
    .executeTakeFirst()
  return { count, block: one && { number: BigInt(one.block_number!), hash: one.block_hash! } }
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
