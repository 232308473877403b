import { type Asset, assetKey, limitKeys, networkNames, networkOf } from '@waiaas/core'
import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** What a transaction takes from the limits. `usdMicros` undefined: no price was known. */
export type LedgerEntry = {
  kind: 'spend' | 'grant' | 'fee'
  asset: Asset
  amount: bigint
  usdMicros: bigint | undefined
}

export type LedgerRow = Selectable<Tables['ledger']>

const USD = 'usd'
const COUNT = 'count'

/** Widths of the slots in which sums are kept, seconds, ascending; each divides the next. */
const spans = [1, 64, 4096] as const

/** Takes the entries from the limits: a transaction that may spend them is allowed or waits. */
export async function reserve(
  db: Kysely<Tables>,
  owner: { transactionId: string; agentId: string; at: number },
  entries: readonly LedgerEntry[],
): Promise<void> {
  const rows: Insertable<Tables['ledger']>[] = entries.map((entry) => ({
    transaction_id: owner.transactionId,
    agent_id: owner.agentId,
    kind: entry.kind,
    asset: assetKey(entry.asset),
    family: networkOf(entry.asset.network).family,
    native: entry.asset.address === undefined ? 1 : 0,
    amount: entry.amount.toString(),
    usd_micros: entry.usdMicros?.toString() ?? null,
    state: 'RESERVED',
    at: owner.at,
  }))
  if (rows.length > 0) await db.insertInto('ledger').values(rows).execute()
  const deltas = new Deltas()
  for (const row of rows) deltas.addRow(row, 1n)
  deltas.add(owner.agentId, COUNT, owner.at, 1n)
  await deltas.apply(db)
}

/** Gives everything back: nothing of it was or will be spent. */
export async function release(db: Kysely<Tables>, transactionId: string): Promise<void> {
  const deltas = new Deltas()
  const rows = await liveRows(db, transactionId)
  for (const row of rows) deltas.addRow(row, -1n)
  const first = rows[0]
  if (first !== undefined) deltas.add(first.agent_id, COUNT, first.at, -1n)
  await db.updateTable('ledger').set({ state: 'RELEASED' }).where('transaction_id', '=', transactionId).execute()
  await deltas.apply(db)
}

/**
 * Books what really happened: the fee that was paid, and the amounts if they moved.
 *
 * @param spent false where the chain took the fee but moved nothing.
 */
export async function commit(
  db: Kysely<Tables>,
  transactionId: string,
  outcome: { fee: bigint; spent: boolean },
): Promise<void> {
  const deltas = new Deltas()
  for (const row of await liveRows(db, transactionId)) {
    if (row.kind === 'fee') {
      const booked = { ...row, amount: outcome.fee.toString(), usd_micros: scaled(row, outcome.fee) }
      deltas.addRow(row, -1n)
      deltas.addRow(booked, 1n)
      const { amount, usd_micros } = booked
      await db.updateTable('ledger').set({ state: 'COMMITTED', amount, usd_micros }).where('id', '=', row.id).execute()
    } else if (outcome.spent) {
      await db.updateTable('ledger').set({ state: 'COMMITTED' }).where('id', '=', row.id).execute()
    } else {
      deltas.addRow(row, -1n)
      await db.updateTable('ledger').set({ state: 'RELEASED' }).where('id', '=', row.id).execute()
    }
  }
  await deltas.apply(db)
}

/** Adds a fee that a repair of the account's sequence cost. */
export async function addFee(
  db: Kysely<Tables>,
  owner: { transactionId: string; agentId: string; at: number },
  asset: Asset,
  fee: bigint,
): Promise<void> {
  const row: Insertable<Tables['ledger']> = {
    transaction_id: owner.transactionId,
    agent_id: owner.agentId,
    kind: 'fee',
    asset: assetKey(asset),
    family: networkOf(asset.network).family,
    native: asset.address === undefined ? 1 : 0,
    amount: fee.toString(),
    usd_micros: null,
    state: 'COMMITTED',
    at: owner.at,
  }
  await db.insertInto('ledger').values(row).execute()
  const deltas = new Deltas()
  deltas.addRow(row, 1n)
  await deltas.apply(db)
}

/** Base units under a limit key that count against limits and are at most `seconds` old. */
export async function spentUnder(
  db: Kysely<Tables>,
  agentId: string,
  limitKey: string,
  window: { seconds: number; now: number },
): Promise<bigint> {
  return await total(db, agentId, assetsUnder(limitKey), window.now - window.seconds)
}

/** Micro-dollars that count against limits and are at most `seconds` old. */
export async function spentUsd(
  db: Kysely<Tables>,
  agentId: string,
  window: { seconds: number; now: number },
): Promise<bigint> {
  return await total(db, agentId, [USD], window.now - window.seconds)
}

/** Transactions that count against limits and are at most `seconds` old. */
export async function countOf(
  db: Kysely<Tables>,
  agentId: string,
  window: { seconds: number; now: number },
): Promise<bigint> {
  return await total(db, agentId, [COUNT], window.now - window.seconds)
}

/**
 * The sum from second `from` on: whole slots of the widest span, then of the narrower ones up to where the
 * wider begins. There is no upper end: what a clock that was ahead has booked still counts.
 */
async function total(db: Kysely<Tables>, agentId: string, keys: readonly string[], from: number): Promise<bigint> {
  const [second, minute, hour] = spans
  const firstMinute = Math.ceil(from / minute)
  const firstHour = Math.ceil(from / hour)
  const rows = await db
    .selectFrom('ledger_totals')
    .select('total')
    .where('agent_id', '=', agentId)
    .where('key', 'in', [...keys])
    .where((where) =>
      where.or([
        where.and([where('span', '=', hour), where('slot', '>=', firstHour)]),
        where.and([
          where('span', '=', minute),
          where('slot', '>=', firstMinute),
          where('slot', '<', firstHour * (hour / minute)),
        ]),
        where.and([where('span', '=', second), where('slot', '>=', from), where('slot', '<', firstMinute * minute)]),
      ]),
    )
    .execute()
  return rows.reduce((sum, row) => sum + BigInt(row.total), 0n)
}

const nativeAssets = networkNames.map((network) => ({ network }))

/** The asset keys that a limit key stands for: itself, or all native coins it names. */
function assetsUnder(limitKey: string): string[] {
  const native = nativeAssets.filter((asset) => limitKeys(asset).includes(limitKey)).map(assetKey)
  return native.length > 0 ? native : [limitKey]
}

async function liveRows(db: Kysely<Tables>, transactionId: string): Promise<LedgerRow[]> {
  return await db
    .selectFrom('ledger')
    .selectAll()
    .where('transaction_id', '=', transactionId)
    .where('state', '<>', 'RELEASED')
    .execute()
}

/** The value of a fee in the measure of the ceiling's value, rounded up. */
function scaled(row: LedgerRow, fee: bigint): string | null {
  const ceiling = BigInt(row.amount)
  if (row.usd_micros === null || ceiling === 0n) return row.usd_micros
  return ((BigInt(row.usd_micros) * fee + ceiling - 1n) / ceiling).toString()
}

/** Changes of sums, gathered so that each slot is read and written once. */
class Deltas {
  readonly #changes = new Map<string, { agentId: string; key: string; at: number; amount: bigint }>()

  addRow(row: Pick<Insertable<Tables['ledger']>, 'agent_id' | 'asset' | 'amount' | 'usd_micros' | 'at'>, sign: bigint) {
    this.add(row.agent_id, row.asset, row.at, sign * BigInt(row.amount))
    if (row.usd_micros) this.add(row.agent_id, USD, row.at, sign * BigInt(row.usd_micros))
  }

  add(agentId: string, key: string, at: number, amount: bigint) {
    const id = `${agentId} ${key} ${at}`
    const known = this.#changes.get(id)
    this.#changes.set(id, { agentId, key, at, amount: (known?.amount ?? 0n) + amount })
  }

  async apply(db: Kysely<Tables>): Promise<void> {
    for (const { agentId, key, at, amount } of this.#changes.values()) {
      if (amount === 0n) continue
      const slots = spans.map((span) => ({ span, slot: Math.floor(at / span) }))
      const known = await db
        .selectFrom('ledger_totals')
        .select(['span', 'total'])
        .where('agent_id', '=', agentId)
        .where('key', '=', key)
        .where((where) => where.or(slots.map((slot) => where.and(slot))))
        .execute()
      const totals = new Map(known.map(({ span, total }) => [span, BigInt(total)]))
      await db
        .insertInto('ledger_totals')
        .values(
          slots.map(({ span, slot }) => {
            const sum = (totals.get(span) ?? 0n) + amount
            return { agent_id: agentId, key, span, slot, total: sum.toString() }
          }),
        )
        .onConflict((conflict) =>
          conflict.columns(['agent_id', 'key', 'span', 'slot']).doUpdateSet({ total: sql`excluded.total` }),
        )
        .execute()
    }
  }
}
