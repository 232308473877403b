import { newSecret } from '@openpista/common'
import { type ErrorCode, errorSpec, type Json } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Draft, DraftResult } from '../chains/chain-adapter.ts'
import { walletById } from '../store/agents.ts'
import { appendNote } from '../store/events.ts'
import { recordJudgement } from '../store/judgements.ts'
import { type LedgerOwner, release, reserve } from '../store/ledger.ts'
import type { Tables } from '../store/tables.ts'
import { move, type TransactionPatch, type TransactionRow } from '../store/transactions.ts'
import type { Request, Store } from './accept.ts'
import {
  type Asked,
  agentOf,
  decidingMessage,
  deniedAnyway,
  type Judgement,
  judge,
  pricesFor,
  spendingFault,
} from './judge.ts'
import type { Context } from './parts.ts'
import { draftColumns } from './stored-draft.ts'

/**
 * PENDING: drafts, judges and reserves. Answers the row as it is then.
 *
 * @param store puts a row that is not in the database yet there.
 */
export async function admit(context: Context, row: TransactionRow, store: Store): Promise<TransactionRow | undefined> {
  const denied = row.origin === 'session' ? await denyForeseen(context, row, store) : undefined
  if (denied !== undefined) return denied
  const drafted = await draftOf(context, row)
  if (!drafted.ok) return await refuse(context, row, store, drafted.code, drafted.message)
  const { draft } = drafted
  const prices = await pricesFor(context.prices, row.network, draft.effects)
  const moved = await context.write(async (db) => {
    await store(db)
    const now = context.now()
    const agent = await agentOf(db, row.agent_id)
    const refusal = await spendingFault(db, agent, row.origin)
    if (refusal !== undefined) return await cancel(db, row, now, refusal.code, refusal.message, {})
    if (row.origin === 'owner-sweep') return await allowSweep(db, row, draft, now)
    const inForce = await context.policies(db, agent.id, row.network)
    const judgement = await judge(db, agent, row.network, draft, { now, prices, inForce }, askedBy(row, false))
    await recordJudgement(db, row, judgement.record)
    const applied = await apply(db, row, draft, judgement, now)
    if (applied === undefined) throw new Error(`transaction ${row.id} was judged twice at once`)
    return applied
  })
  context.onStep('judged', row.id)
  return moved
}

/** Denies what is denied by what is certain of it, without asking the chain. `undefined` where it has to be asked. */
async function denyForeseen(context: Context, row: TransactionRow, store: Store): Promise<TransactionRow | undefined> {
  const { id, agent_id, network } = row
  const request = JSON.parse(row.request) as Request
  if (request.type === 'SIGN') return undefined
  const wallet = await walletOf(context.db, row)
  const account = { address: wallet.address, publicKey: wallet.public_key }
  const draft = context.adapters.get(network)?.foresee(request, account)
  if (draft === undefined) return undefined
  const prices = await pricesFor(context.prices, network, draft.effects)
  const { policies } = await context.policies(context.db, agent_id, network)
  if (!deniedAnyway(policies, { network, ...draft }, { now: context.now(), prices })) return undefined
  const moved = await context.write(async (db) => {
    const now = context.now()
    const agent = await agentOf(db, agent_id)
    if ((await spendingFault(db, agent)) !== undefined) return undefined
    const inForce = await context.policies(db, agent_id, network)
    const judgement = await judge(db, agent, network, draft, { now, prices, inForce }, askedBy(row, false))
    if (judgement.verdict.tier !== 'DENY') return undefined
    await store(db)
    await recordJudgement(db, row, judgement.record)
    return await deny(db, row, draft, judgement, now)
  })
  if (moved !== undefined) context.onStep('judged', id)
  return moved
}

/** What the stored request would do now. */
export async function draftOf(context: Context, row: TransactionRow): Promise<DraftResult> {
  const adapter = context.adapters.get(row.network)
  if (adapter === undefined) {
    return { ok: false, code: 'CHAIN_ERROR', message: `This daemon is not connected to ${row.network}.` }
  }
  const wallet = await walletOf(context.db, row)
  const request = JSON.parse(row.request) as Request
  const account = { address: wallet.address, publicKey: wallet.public_key }
  return request.type === 'SIGN'
    ? await adapter.draftOutside(request.transaction, account)
    : await adapter.draft(request, account)
}

export async function walletOf(db: Kysely<Tables>, row: Pick<TransactionRow, 'wallet_id'>) {
  return await walletById(db, row.wallet_id)
}

/** The columns that a judgement fills. */
export function judgedColumns(draft: Draft, judgement: Judgement): TransactionPatch {
  const { verdict, policyVersion, downgraded } = judgement
  return {
    ...draftColumns(draft),
    tier: verdict.tier,
    reasons: JSON.stringify(verdict.reasons),
    policy_version: policyVersion,
    downgraded: downgraded ? 1 : 0,
  }
}

/** Ends a row that the policy denies, and says so in the log. */
export async function deny(
  db: Kysely<Tables>,
  row: TransactionRow,
  draft: Draft,
  judgement: Judgement,
  now: number,
): Promise<TransactionRow | undefined> {
  const { verdict } = judgement
  const code = (verdict.code ?? 'POLICY_DENIED') as ErrorCode
  const columns = judgedColumns(draft, judgement)
  await appendNote(db, now, row, 'POLICY_VIOLATION', {
    code,
    reasons: verdict.reasons as unknown as Json,
    policyVersion: judgement.policyVersion,
    traceHash: judgement.record.traceHash,
  })
  return await cancel(db, row, now, code, decidingMessage(verdict), columns)
}

/** Holds a row until the owner decides. */
export async function askOwner(
  db: Kysely<Tables>,
  row: TransactionRow,
  draft: Draft,
  judgement: Judgement,
  now: number,
): Promise<TransactionRow | undefined> {
  const expiresAt = now + judgement.verdict.approvalSeconds
  const patch = {
    ...judgedColumns(draft, judgement),
    executes_at: null,
    approval_expires_at: expiresAt,
    approval_nonce: newSecret(),
  }
  const data = { tier: 'APPROVAL', expiresAt, ...trace(judgement) }
  await appendNote(db, now, row, 'TX_APPROVAL_REQUIRED', { expiresAt })
  const change = { id: row.id, from: row.status, to: 'QUEUED' as const, at: now }
  return await move(db, change, patch, { type: 'TX_QUEUED', actor: 'daemon', data })
}

/** Ends a row that is not yet allowed to run. */
export async function cancel(
  db: Kysely<Tables>,
  row: TransactionRow,
  now: number,
  code: ErrorCode,
  message: string,
  columns: TransactionPatch,
): Promise<TransactionRow | undefined> {
  const moved = await move(
    db,
    { id: row.id, from: row.status, to: 'CANCELLED', at: now },
    { ...columns, error_code: code, error_message: message },
    { type: 'TX_CANCELLED', actor: 'daemon', data: { code, message } },
  )
  if (moved !== undefined) await release(db, row.id)
  return moved
}

/** What goes home to the owner passes without the policy, and takes nothing from its limits. */
async function allowSweep(db: Kysely<Tables>, row: TransactionRow, draft: Draft, now: number) {
  const reasons = [{ rule: 'OWNER_SWEEP', tier: 'INSTANT', message: 'Everything goes to the registered owner.' }]
  const patch = { ...draftColumns(draft), tier: 'INSTANT' as const, reasons: JSON.stringify(reasons) }
  const change = { id: row.id, from: row.status, to: 'EXECUTING' as const, at: now }
  return await move(db, change, patch, { type: 'TX_ALLOWED', actor: 'owner-sweep', data: { tier: 'INSTANT' } })
}

/** Who asked for a stored row. */
export function askedBy(row: Pick<TransactionRow, 'session_id' | 'type'>, approved: boolean): Asked {
  return { sessionId: row.session_id, type: row.type as Asked['type'], approved }
}

/** Whose limits a judged row takes from. */
export function ledgerOwner(row: TransactionRow, judgement: Judgement, at: number): LedgerOwner {
  return { transactionId: row.id, agentId: row.agent_id, sessionId: judgement.budgetOf, at }
}

/** What an event says about a judgement. */
export function trace({ verdict, policyVersion, record }: Judgement): { [key: string]: Json } {
  return { reasons: verdict.reasons as unknown as Json, policyVersion, traceHash: record.traceHash }
}

async function apply(
  db: Kysely<Tables>,
  row: TransactionRow,
  draft: Draft,
  judgement: Judgement,
  now: number,
): Promise<TransactionRow | undefined> {
  const { verdict } = judgement
  if (verdict.tier === 'DENY') return await deny(db, row, draft, judgement, now)
  await reserve(db, ledgerOwner(row, judgement, now), judgement.entries)
  if (verdict.tier === 'APPROVAL') return await askOwner(db, row, draft, judgement, now)
  const columns = judgedColumns(draft, judgement)
  const change = { id: row.id, from: row.status, at: now }
  if (verdict.tier === 'DELAY') {
    const executesAt = now + verdict.delaySeconds
    if (judgement.downgraded) await appendNote(db, now, row, 'TX_DOWNGRADED_DELAY', { executesAt })
    const event = { type: 'TX_QUEUED', actor: 'daemon', data: { tier: 'DELAY', executesAt, ...trace(judgement) } }
    return await move(db, { ...change, to: 'QUEUED' }, { ...columns, executes_at: executesAt }, event)
  }
  const event = { type: 'TX_ALLOWED', actor: 'daemon', data: { tier: verdict.tier, ...trace(judgement) } }
  return await move(db, { ...change, to: 'EXECUTING' }, columns, event)
}

/**
 * Ends a row that could not even be drafted. Where the same call may succeed later its key becomes free, so
 * that trying again with it starts afresh: nothing was judged or signed under it.
 */
async function refuse(
  context: Context,
  row: TransactionRow,
  store: Store,
  code: ErrorCode,
  message: string,
): Promise<TransactionRow | undefined> {
  const columns = errorSpec(code).retryable === true ? { idempotency_key: null } : {}
  return await context.write(async (db) => {
    await store(db)
    return await cancel(db, row, context.now(), code, message, columns)
  })
}
