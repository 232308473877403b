import { type Asset, assetKey, limitKeys, type NetworkName, networkNames, networkOf } from '@waiaas/core'
import { type Insertable, type Kysely, type RawBuilder, type Selectable, sql, type Updateable } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** What a transaction takes from the limits. `usdMicros` undefined: no price was known. */
export type LedgerEntry = {
  kind: 'spend' | 'grant' | 'fee' | 'excess-fee'
  asset: Asset
  amount: bigint
  usdMicros: bigint | undefined
}

export type LedgerRow = Selectable<Tables['ledger']>

/** Whose limits a transaction takes from; `sessionId` only where the session has a budget. */
export type LedgerOwner = { transactionId: string; agentId: string; sessionId: string | null; at: number }

const USD = 'usd'
const COUNT = 'count'

/** Widths of the slots in which sums are kept, seconds, ascending; each divides the next. */
const spans = [1, 64, 4096] as const

/** Takes the entries from the limits: a transaction that may spend them is allowed or waits. */
export async function reserve(db: Kysely<Tables>, owner: LedgerOwner, entries: readonly LedgerEntry[]): Promise<void> {
  const rows: Insertable<Tables['ledger']>[] = entries.map((entry) => ({
    transaction_id: owner.transactionId,
    agent_id: owner.agentId,
    session_id: owner.sessionId,
    kind: entry.kind,
    asset: assetKey(entry.asset),
    family: networkOf(entry.asset.network).family,
    native: entry.asset.address === undefined ? 1 : 0,
    amount: entry.amount.toString(),
    usd_micros: entry.usdMicros?.toString() ?? null,
    state: 'RESERVED',
    at: owner.at,
  }))
  for (const row of rows) await insertRow(db, row)
  const counted = { agent_id: owner.agentId, session_id: owner.sessionId, at: owner.at }
  await addToTotals(db, [...rows.flatMap((row) => deltasOf(row, 1n)), ...countDeltas(counted, 1n)])
}

/** Gives everything back: nothing of it was or will be spent. */
export async function release(db: Kysely<Tables>, transactionId: string): Promise<void> {
  const rows = await liveRows(db, transactionId)
  const [first] = rows
  if (first === undefined) return
  for (const { id } of rows) await updateRow(db, { id, state: 'RELEASED' })
  await addToTotals(db, [...rows.flatMap((row) => deltasOf(row, -1n)), ...countDeltas(first, -1n)])
}

/**
 * Books what really happened, at the time it did: the fee that was paid, and the amounts if they moved.
 *
 * @param spent false where the chain took the fee but moved nothing.
 */
export async function commit(
  db: Kysely<Tables>,
  transactionId: string,
  outcome: { fee: bigint; spent: boolean; at: number },
): Promise<void> {
  const rows = await liveRows(db, transactionId)
  const [first] = rows
  if (first === undefined) return
  const { fee, spent, at } = outcome
  const fees = splitFee(rows, fee)
  const deltas: Delta[] = [...countDeltas(first, -1n), ...countDeltas({ ...first, at }, 1n)]
  for (const row of rows) {
    deltas.push(...deltasOf(row, -1n))
    const amounts = feeAmounts(row, fees)
    const isBooked = amounts !== undefined || spent
    if (isBooked) deltas.push(...deltasOf({ ...row, ...amounts, at }, 1n))
    await updateRow(db, { id: row.id, state: isBooked ? 'COMMITTED' : 'RELEASED', at, ...amounts })
  }
  await addToTotals(db, deltas)
}

/**
 * Reserves what a transaction takes with another fee: more is allowed for it, or its block is gone, so that it is not
 * booked any more.
 */
export async function reserveAgain(db: Kysely<Tables>, transactionId: string, fee: bigint): Promise<void> {
  const rows = await liveRows(db, transactionId)
  const fees = splitFee(rows, fee)
  const deltas: Delta[] = []
  for (const row of rows) {
    const amounts = feeAmounts(row, fees)
    deltas.push(...deltasOf(row, -1n), ...deltasOf({ ...row, ...amounts }, 1n))
    await updateRow(db, { id: row.id, state: 'RESERVED', ...amounts })
  }
  await addToTotals(db, deltas)
}

/** A fee as the rows of a transaction hold it: the usual one, and what goes beyond it, where there is a row for that. */
function splitFee(rows: readonly LedgerRow[], fee: bigint): { usual: bigint; beyond: bigint } {
  const usual = BigInt(rows.find(({ kind }) => kind === 'fee')?.amount ?? 0)
  const beyond = fee > usual && rows.some(({ kind }) => kind === 'excess-fee') ? fee - usual : 0n
  return { usual: fee - beyond, beyond }
}

/** What a row of a fee holds; undefined for other rows. */
function feeAmounts(row: LedgerRow, fees: { usual: bigint; beyond: bigint }) {
  if (row.kind !== 'fee' && row.kind !== 'excess-fee') return undefined
  const amount = row.kind === 'fee' ? fees.usual : fees.beyond
  return { amount: amount.toString(), usd_micros: scaled(row, amount) }
}

/** Books what a transaction took once more, with a fee like its first: it was made twice. */
export async function bookAgain(db: Kysely<Tables>, transactionId: string, at: number): Promise<void> {
  const reserved = await db
    .selectFrom('ledger')
    .selectAll()
    .where('transaction_id', '=', transactionId)
    .where('kind', 'in', ['spend', 'grant', 'fee'])
    .orderBy('id')
    .execute()
  // Each judgement has reserved all of it, and the fee last.
  const once = reserved.slice(0, reserved.findIndex(({ kind }) => kind === 'fee') + 1)
  for (const { id, ...row } of once) {
    const kind = row.kind === 'fee' ? { kind: 'fill' as const, session_id: null } : { kind: 'again' as const }
    const again = { ...row, ...kind, state: 'COMMITTED' as const, at }
    await insertRow(db, again)
    await addToTotals(db, deltasOf(again, 1n))
  }
}

/** Adds the fee of a payment of nothing that closed a gap. It is paid, whatever becomes of the transaction. */
export async function addFillFee(
  db: Kysely<Tables>,
  owner: { transactionId: string; agentId: string; at: number },
  asset: Asset,
  fee: bigint,
): Promise<void> {
  const row: Insertable<Tables['ledger']> = {
    transaction_id: owner.transactionId,
    agent_id: owner.agentId,
    session_id: null,
    kind: 'fill',
    asset: assetKey(asset),
    family: networkOf(asset.network).family,
    native: asset.address === undefined ? 1 : 0,
    amount: fee.toString(),
    usd_micros: null,
    state: 'COMMITTED',
    at: owner.at,
  }
  await insertRow(db, row)
  await addToTotals(db, deltasOf(row, 1n))
}

/** Base units under a limit key that a session has spent, granted or reserved since `from`. Fees aside. */
export async function spentBySession(
  db: Kysely<Tables>,
  sessionId: string,
  limitKey: string,
  from: number,
): Promise<bigint> {
  return sumOf(await amountsOfSession(db, slotsFrom(sessionId, assetsUnder(limitKey), from)))
}

/** Base units under a limit key that count against limits: reserved, or booked since `from`. */
export async function spentUnder(db: Kysely<Tables>, agentId: string, limitKey: string, from: number): Promise<bigint> {
  return sumOf(await amountsOfAgent(db, slotsFrom(agentId, assetsUnder(limitKey), from)))
}

/** Micro-dollars that count against limits: reserved, or booked since `from`. */
export async function spentUsd(db: Kysely<Tables>, agentId: string, from: number): Promise<bigint> {
  return sumOf(await valuesOfAgent(db, slotsFrom(agentId, [USD], from)))
}

/** Transactions of an agent, or of a session with a budget, that count against limits and were reserved, or booked since `from`. */
export async function countOf(db: Kysely<Tables>, owner: string, from: number): Promise<bigint> {
  return sumOf(await transactionsOf(db, slotsFrom(owner, [COUNT], from)))
}

function sumOf(rows: readonly { total: string | null }[]): bigint {
  return rows.reduce((sum, { total }) => sum + BigInt(total ?? 0), 0n)
}

/** Which sums make up the one from a second on: of the widest span, and of the narrower ones up to where the wider begins. */
type Slots = {
  owner: string
  /** JSON, so that one statement serves any number of them. */
  keys: string
  firstHour: number
  firstMinute: number
  endOfMinutes: number
  from: number
  endOfSeconds: number
}

/** There is no upper end: what a clock that was ahead has booked still counts. */
function slotsFrom(owner: string, keys: readonly string[], from: number): Slots {
  const [, minute, hour] = spans
  const firstMinute = Math.ceil(from / minute)
  const firstHour = Math.ceil(from / hour)
  return {
    owner,
    keys: JSON.stringify(keys),
    firstHour,
    firstMinute,
    endOfMinutes: firstHour * (hour / minute),
    from,
    endOfSeconds: firstMinute * minute,
  }
}

/**
 * The sums from a second on, and what was reserved before it and may still be spent: bytes that are out, or signed for
 * somebody else to send, take effect when they will.
 *
 * Joined by UNION ALL, since under OR the index serves only owner and key, and every slot there ever was is read.
 *
 * @param total what a row that was reserved before counts for.
 * @param isOwn whether it is the owner's.
 */
function totals(total: RawBuilder<string | null>, isOwn: (slots: Slots) => RawBuilder<boolean>) {
  const [second, minute, hour] = spans
  return statement((db, slots: Slots) => {
    const keys = sql<string>`(SELECT value FROM json_each(${slots.keys}))`
    const booked = (span: number, first: number) =>
      db
        .selectFrom('ledger_totals')
        .select((build) => build.ref('total').$castTo<string | null>().as('total'))
        .where('agent_id', '=', slots.owner)
        .where('key', 'in', keys)
        .where('span', '=', span)
        .where('slot', '>=', first)
    const reserved = db
      .selectFrom('ledger')
      .select(total.as('total'))
      // With the state in the text: only then does SQLite see that the index of reserved ones has them all.
      .where(sql<boolean>`state = 'RESERVED'`)
      .where('at', '<', slots.from)
      .where(isOwn(slots))
    return booked(hour, slots.firstHour)
      .unionAll(booked(minute, slots.firstMinute).where('slot', '<', slots.endOfMinutes))
      .unionAll(booked(second, slots.from).where('slot', '<', slots.endOfSeconds))
      .unionAll(reserved)
  })
}

const isUnder = ({ keys }: Slots) => sql`asset IN (SELECT value FROM json_each(${keys}))`
const amountsOfAgent = totals(sql`amount`, (slots) => sql`agent_id = ${slots.owner} AND ${isUnder(slots)}`)
const valuesOfAgent = totals(sql`usd_micros`, ({ owner }) => sql`agent_id = ${owner}`)
/** Fees do not count in the budget of a session. */
const amountsOfSession = totals(
  sql`amount`,
  (slots) => sql`session_id = ${slots.owner} AND kind <> 'fee' AND ${isUnder(slots)}`,
)
const transactionsOf = totals(
  sql`count(DISTINCT transaction_id)`,
  ({ owner }) => sql`(agent_id = ${owner} OR session_id = ${owner})`,
)

const nativeAssets = networkNames.map((network) => ({ network }))

/** Addresses of the tokens that an agent has sent or granted on a network. */
export async function tokensSpent(db: Kysely<Tables>, agentId: string, network: NetworkName): Promise<string[]> {
  const rows = await db
    .selectFrom('ledger')
    .select('asset')
    .distinct()
    .where('agent_id', '=', agentId)
    .where('native', '=', 0)
    .where('asset', 'like', `${network}/%`)
    .execute()
  return rows.map(({ asset }) => asset.slice(network.length + 1))
}

/** The asset keys that a limit key stands for: itself, or all native coins it names. */
function assetsUnder(limitKey: string): string[] {
  const native = nativeAssets.filter((asset) => limitKeys(asset).includes(limitKey)).map(assetKey)
  return native.length > 0 ? native : [limitKey]
}

/** What the transaction itself takes, closed gaps aside. */
async function liveRows(db: Kysely<Tables>, transactionId: string): Promise<LedgerRow[]> {
  return await liveRowsOf(db, { transactionId })
}

const liveRowsOf = statement((db, { transactionId }: { transactionId: string }) =>
  db
    .selectFrom('ledger')
    .selectAll()
    .where('transaction_id', '=', transactionId)
    .where('state', '<>', 'RELEASED')
    .where('kind', 'not in', ['fill', 'again']),
)
const insertRow = statement((db, row: Insertable<Tables['ledger']>) => db.insertInto('ledger').values(row))
const updateRow = statement((db, { id, ...patch }: { id: number } & Updateable<Tables['ledger']>) =>
  db.updateTable('ledger').set(patch).where('id', '=', id),
)

/** The value of a fee in the measure of the ceiling's value, rounded up. */
function scaled(row: LedgerRow, fee: bigint): string | null {
  const ceiling = BigInt(row.amount)
  if (row.usd_micros === null || ceiling === 0n) return row.usd_micros
  return ((BigInt(row.usd_micros) * fee + ceiling - 1n) / ceiling).toString()
}

/** A change of one sum: what an agent's key gains or loses at a second. */
type Delta = { agentId: string; key: string; at: number; amount: bigint }

type Counted = Pick<
  Insertable<Tables['ledger']>,
  'agent_id' | 'session_id' | 'kind' | 'asset' | 'amount' | 'usd_micros' | 'at'
>

/** What a ledger row changes in the sums: its asset, its value where that is known, and the budget of its session. */
function deltasOf(row: Counted, sign: 1n | -1n): Delta[] {
  const of = (key: string, amount: string, agentId = row.agent_id): Delta => {
    return { agentId, key, at: row.at, amount: sign * BigInt(amount) }
  }
  const budget = row.session_id && row.kind !== 'fee' ? [of(row.asset, row.amount, row.session_id)] : []
  return [of(row.asset, row.amount), ...(row.usd_micros ? [of(USD, row.usd_micros)] : []), ...budget]
}

/** One transaction more or less, of the agent and of its session's budget. */
function countDeltas(row: Pick<LedgerRow, 'agent_id' | 'session_id' | 'at'>, amount: 1n | -1n): Delta[] {
  const owners = row.session_id === null ? [row.agent_id] : [row.agent_id, row.session_id]
  return owners.map((agentId) => ({ agentId, key: COUNT, at: row.at, amount }))
}

/** Changes the sums, each slot once. */
async function addToTotals(db: Kysely<Tables>, deltas: readonly Delta[]): Promise<void> {
  const merged = new Map<string, Delta>()
  for (const delta of deltas) {
    const id = `${delta.agentId} ${delta.key} ${delta.at}`
    merged.set(id, { ...delta, amount: delta.amount + (merged.get(id)?.amount ?? 0n) })
  }
  for (const delta of merged.values()) if (delta.amount !== 0n) await addToTotal(db, delta)
}

async function addToTotal(db: Kysely<Tables>, { agentId, key, at, amount }: Delta): Promise<void> {
  const [second, minute, hour] = spans.map((span) => Math.floor(at / span)) as [number, number, number]
  const slots = { agentId, key, second, minute, hour }
  const known = await totalsIn(db, slots)
  const total = (span: number, slot: number) => {
    const sum = known.find((row) => row.span === span && row.slot === slot)?.total ?? '0'
    return (BigInt(sum) + amount).toString()
  }
  const [inSecond, inMinute, inHour] = [total(spans[0], second), total(spans[1], minute), total(spans[2], hour)]
  await setTotals(db, { ...slots, inSecond, inMinute, inHour })
}

/** The slots of one second, one of each span. */
type SlotsOf = { agentId: string; key: string; second: number; minute: number; hour: number }

const totalsIn = statement((db, { agentId, key, second, minute, hour }: SlotsOf) =>
  db
    .selectFrom('ledger_totals')
    .select(['span', 'slot', 'total'])
    .where('agent_id', '=', agentId)
    .where('key', '=', key)
    .where('span', 'in', [...spans])
    .where('slot', 'in', [second, minute, hour]),
)

type TotalsOf = SlotsOf & { inSecond: string; inMinute: string; inHour: string }

const setTotals = statement((db, { agentId: agent_id, key, ...at }: TotalsOf) =>
  db
    .insertInto('ledger_totals')
    .values([
      { agent_id, key, span: spans[0], slot: at.second, total: at.inSecond },
      { agent_id, key, span: spans[1], slot: at.minute, total: at.inMinute },
      { agent_id, key, span: spans[2], slot: at.hour, total: at.inHour },
    ])
    .onConflict((conflict) =>
      conflict.columns(['agent_id', 'key', 'span', 'slot']).doUpdateSet({ total: sql`excluded.total` }),
    ),
)
