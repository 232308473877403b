import { type TransactionStatus, transitions } from '@waiaas/core'
import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely'
import { appendEvents, type NewEvent } from './events.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type TransactionRow = Selectable<Tables['transactions']>
export type TransactionPatch = Omit<Updateable<Tables['transactions']>, 'id' | 'status' | 'created_at' | 'updated_at'>

/** What happened, without whose transaction it was. */
export type TransactionEvent = Pick<NewEvent, 'type' | 'actor' | 'data'>

/** Statuses that the daemon itself leaves, without waiting for time, owner or chain. */
export const busy = ['PENDING', 'EXECUTING'] as const satisfies TransactionStatus[]
const DUE_AT_ONCE = 1000
/** Statuses of transactions that are not final. */
export const openStatuses = [
  'PENDING',
  'QUEUED',
  'EXECUTING',
  'SIGNED',
  'SUBMITTED',
] as const satisfies TransactionStatus[]

export async function insertTransaction(
  db: Kysely<Tables>,
  row: Insertable<Tables['transactions']>,
  ...events: TransactionEvent[]
): Promise<void> {
  await insert(db, row)
  const whose = { agentId: row.agent_id, transactionId: row.id }
  await appendEvents(
    db,
    row.updated_at,
    events.map((event) => ({ ...event, ...whose })),
  )
}

/** Gives a judged row its next status, with what is to be told of it. Answers the row as it is then. */
export type Settle = (
  db: Kysely<Tables>,
  change: { to: TransactionStatus; at: number },
  patch: TransactionPatch,
  ...events: TransactionEvent[]
) => Promise<TransactionRow | undefined>

/** For a row that is stored. */
export function settleStored({ id, status }: Pick<TransactionRow, 'id' | 'status'>): Settle {
  return (db, change, patch, ...events) => move(db, { id, from: status, ...change }, patch, ...events)
}

/** For a request that is not stored yet: it gets there judged, and the log tells first that it came. */
export function settleNew(row: TransactionRow, requested: TransactionEvent): Settle {
  return async (db, { to, at }, patch, ...events) => {
    assertTransition(row.status, to)
    const settled = { ...row, ...patch, status: to, updated_at: at } as TransactionRow
    await insertTransaction(db, settled, requested, ...events)
    return settled
  }
}

export async function findTransaction(db: Kysely<Tables>, id: string): Promise<TransactionRow | undefined> {
  const [row] = await byId(db, { id })
  return row
}

export async function findByKey(
  db: Kysely<Tables>,
  agentId: string,
  idempotencyKey: string,
): Promise<TransactionRow | undefined> {
  const [row] = await byKey(db, { agentId, idempotencyKey })
  return row
}

/** Open transactions of an agent that were given up and would do the same as this one. */
export async function closingWith(
  db: Kysely<Tables>,
  { agent_id, network, effects }: Pick<TransactionRow, 'agent_id' | 'network' | 'effects'>,
): Promise<{ id: string }[]> {
  return await closing(db, { agent_id, network, effects })
}

/** How many payments of an agent wait, for time or for the owner. */
export async function countQueued(db: Kysely<Tables>, agentId: string): Promise<number> {
  const [row] = await queuedOf(db, { agentId })
  return Number(row!.count)
}

/** A payment home whose key begins like this and that has not come to its end. */
export async function openSweep(
  db: Kysely<Tables>,
  agentId: string,
  keyPrefix: string,
): Promise<TransactionRow | undefined> {
  const rows = await db
    .selectFrom('transactions')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('origin', '=', 'owner-sweep')
    .where('status', 'in', openStatuses)
    .execute()
  return rows.find(({ idempotency_key }) => idempotency_key?.startsWith(keyPrefix) === true)
}

/**
 * The one way a stored status changes: compare-and-set, allowed by the transition table, with its events in the same
 * database transaction. Answers the row as it is now, or `undefined` where it had moved on already.
 *
 * @throws Error for a change that the transition table does not know: a bug.
 */
export async function move(
  db: Kysely<Tables>,
  change: { id: string; from: TransactionStatus; to: TransactionStatus; at: number },
  patch: TransactionPatch,
  ...events: TransactionEvent[]
): Promise<TransactionRow | undefined> {
  const { id, from, to, at } = change
  assertTransition(from, to)
  const [row] = await setStatus(db, { id, from, ...patch, status: to, updated_at: at })
  if (row === undefined) return undefined
  const whose = { agentId: row.agent_id, transactionId: id }
  await appendEvents(
    db,
    at,
    events.map((event) => ({ ...event, ...whose })),
  )
  return row
}

function assertTransition(from: TransactionStatus, to: TransactionStatus): void {
  if (!transitions[from].includes(to)) throw new Error(`no transition from ${from} to ${to}`)
}

/** Changes what may change without a change of status, where the status still is this one. */
export async function patchTransaction(
  db: Kysely<Tables>,
  id: string,
  at: number,
  patch: TransactionPatch,
  status: TransactionStatus,
): Promise<void> {
  await patchWhile(db, { id, status, ...patch, updated_at: at })
}

/** Ids of what the daemon itself goes on with, oldest first. */
export async function busyTransactions(db: Kysely<Tables>): Promise<{ id: string }[]> {
  return await allBusy(db, {})
}

/** Ids of payments of one account that are allowed and not signed. */
export async function executingOf(
  db: Kysely<Tables>,
  walletId: string,
  network: TransactionRow['network'],
): Promise<{ id: string }[]> {
  return await openIn(db, ['EXECUTING'])
    .select('id')
    .where('wallet_id', '=', walletId)
    .where('network', '=', network)
    .execute()
}

/** Ids of those whose wait is over, and of those that waited too long for the owner. */
export async function dueTransactions(
  db: Kysely<Tables>,
  clock: { seconds: () => number; ends: (wait: { since: number; until: number }) => number },
): Promise<{ toExecute: string[]; toExpire: string[] }> {
  const now = clock.seconds()
  const over = (rows: { id: string; since: number; until: number | null }[]) =>
    rows.filter(({ since, until }) => until !== null && clock.ends({ since, until }) <= now).map(({ id }) => id)
  // No wait is over before its own stamp: the index finds those that may be.
  const toExecute = over(await waitIsOver(db, { now }))
  const toExpire = over(await approvalIsLate(db, { now }))
  return { toExecute: toExecute.slice(0, DUE_AT_ONCE), toExpire: toExpire.slice(0, DUE_AT_ONCE) }
}

/** What a queued row waits for, nothing else changes it: its last change is when its wait began. */
export function waitsOf(row: Pick<TransactionRow, 'updated_at' | 'executes_at' | 'approval_expires_at'>) {
  const { updated_at: since, executes_at: delay, approval_expires_at: approval } = row
  return {
    delay: delay === null ? undefined : { since, until: delay },
    approval: approval === null ? undefined : { since, until: approval },
  }
}

/**
 * A condition with the statuses in the text of the statement: only then does SQLite see that the index of open rows has
 * them all, and does not read every row there ever was.
 */
export function statusIn(statuses: readonly TransactionStatus[]) {
  return sql<boolean>`status IN (${sql.join(statuses.map(sql.lit))})`
}

/** Of the open rows, those with one of these statuses. */
function openIn(db: Kysely<Tables>, statuses: readonly TransactionStatus[]) {
  return db.selectFrom('transactions').where(statusIn(openStatuses)).where(statusIn(statuses))
}

const allBusy = statement((db) => openIn(db, busy).select('id').orderBy('id'))
const closing = statement((db, wanted: Pick<TransactionRow, 'agent_id' | 'network' | 'effects'>) =>
  db
    .selectFrom('transactions')
    .select('id')
    .where(statusIn(['SIGNED', 'SUBMITTED']))
    .where('closing', 'is not', null)
    .where('agent_id', '=', wanted.agent_id)
    .where('network', '=', wanted.network)
    .where('effects', '=', wanted.effects),
)
const queuedOf = statement((db, { agentId }: { agentId: string }) =>
  db
    .selectFrom('transactions')
    .where(statusIn(['QUEUED']))
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('agent_id', '=', agentId),
)
const queued = (db: Kysely<Tables>) => openIn(db, ['QUEUED']).select(['id', 'updated_at as since'])
const waitIsOver = statement((db, { now }: { now: number }) =>
  queued(db).select('executes_at as until').where('executes_at', '<=', now),
)
const approvalIsLate = statement((db, { now }: { now: number }) =>
  queued(db).select('approval_expires_at as until').where('approval_expires_at', '<=', now),
)
const insert = statement((db, row: Insertable<Tables['transactions']>) => db.insertInto('transactions').values(row))
const byId = statement((db, { id }: { id: string }) => db.selectFrom('transactions').selectAll().where('id', '=', id))
const byKey = statement((db, { agentId, idempotencyKey }: { agentId: string; idempotencyKey: string }) =>
  db
    .selectFrom('transactions')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('idempotency_key', '=', idempotencyKey),
)
const patchWhile = statement(
  (db, { id, status, ...patch }: { id: string; status: TransactionStatus } & Updateable<Tables['transactions']>) =>
    db.updateTable('transactions').set(patch).where('id', '=', id).where('status', '=', status),
)
const setStatus = statement(
  (db, { id, from, ...patch }: { id: string; from: TransactionStatus } & Updateable<Tables['transactions']>) =>
    db.updateTable('transactions').set(patch).where('id', '=', id).where('status', '=', from).returningAll(),
)
