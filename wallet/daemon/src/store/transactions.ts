import { type TransactionStatus, transitions } from '@waiaas/core'
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'
import { appendEvent, type NewEvent } from './events.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type TransactionRow = Selectable<Tables['transactions']>
export type TransactionPatch = Omit<Updateable<Tables['transactions']>, 'id' | 'status' | 'created_at' | 'updated_at'>

/** What happened, without whose transaction it was. */
export type TransactionEvent = Pick<NewEvent, 'type' | 'actor' | 'data'>

const open = ['PENDING', 'QUEUED', 'EXECUTING', 'SIGNED', 'SUBMITTED'] as const satisfies TransactionStatus[]

export async function insertTransaction(
  db: Kysely<Tables>,
  row: Insertable<Tables['transactions']>,
  event: TransactionEvent,
): Promise<void> {
  await insert(db, row)
  await appendEvent(db, row.created_at, { ...event, agentId: row.agent_id, transactionId: row.id })
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
    .where('status', 'in', open)
    .execute()
  return rows.find(({ idempotency_key }) => idempotency_key?.startsWith(keyPrefix) === true)
}

/**
 * The one way a status changes: compare-and-set, allowed by the transition table, with its event in the same
 * database transaction. Answers the row as it is now, or `undefined` where it had moved on already.
 *
 * @throws Error for a change that the transition table does not know: a bug.
 */
export async function move(
  db: Kysely<Tables>,
  change: { id: string; from: TransactionStatus; to: TransactionStatus; at: number },
  patch: TransactionPatch,
  event: TransactionEvent,
): Promise<TransactionRow | undefined> {
  const { id, from, to, at } = change
  if (!transitions[from].includes(to)) throw new Error(`no transition from ${from} to ${to}`)
  const [row] = await setStatus(db, { id, from, ...patch, status: to, updated_at: at })
  if (row !== undefined) await appendEvent(db, at, { ...event, agentId: row.agent_id, transactionId: id })
  return row
}

/** Changes what may change without a change of status, where the status still is this one. */
export async function patchTransaction(
  db: Kysely<Tables>,
  id: string,
  at: number,
  patch: TransactionPatch,
  status: TransactionStatus,
): Promise<void> {
  await db
    .updateTable('transactions')
    .set({ ...patch, updated_at: at })
    .where('id', '=', id)
    .where('status', '=', status)
    .execute()
}

/** Ids of everything that is not at its end, oldest first. */
export async function openTransactions(
  db: Kysely<Tables>,
  statuses: readonly TransactionStatus[] = open,
): Promise<{ id: string; status: TransactionStatus }[]> {
  return await db
    .selectFrom('transactions')
    .select(['id', 'status'])
    .where('status', 'in', [...statuses])
    .where('status', 'in', [...open])
    .orderBy('id')
    .execute()
}

/** Ids of those whose wait is over, and of those that waited too long for the owner. */
export async function dueTransactions(
  db: Kysely<Tables>,
  now: number,
): Promise<{ toExecute: string[]; toExpire: string[] }> {
  const queued = db.selectFrom('transactions').select('id').where('status', '=', 'QUEUED').limit(1000)
  const toExecute = await queued.where('executes_at', '<=', now).execute()
  const toExpire = await queued.where('approval_expires_at', '<=', now).execute()
  return { toExecute: toExecute.map(({ id }) => id), toExpire: toExpire.map(({ id }) => id) }
}

const insert = statement((db, row: Insertable<Tables['transactions']>) => db.insertInto('transactions').values(row))
const byId = statement((db, { id }: { id: string }) => db.selectFrom('transactions').selectAll().where('id', '=', id))
const byKey = statement((db, { agentId, idempotencyKey }: { agentId: string; idempotencyKey: string }) =>
  db
    .selectFrom('transactions')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('idempotency_key', '=', idempotencyKey),
)
const setStatus = statement(
  (db, { id, from, ...patch }: { id: string; from: TransactionStatus } & Updateable<Tables['transactions']>) =>
    db.updateTable('transactions').set(patch).where('id', '=', id).where('status', '=', from).returningAll(),
)
