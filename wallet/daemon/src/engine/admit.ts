import { newSecret } from '@openpista/common'
import { type ErrorCode, errorSpec, type Json } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Draft, DraftResult } from '../chains/chain-adapter.ts'
import { recordJudgement } from '../store/judgements.ts'
import { type LedgerOwner, reserve } from '../store/ledger.ts'
import type { Tables } from '../store/tables.ts'
import type { Settle, TransactionEvent, TransactionPatch, TransactionRow } from '../store/transactions.ts'
import type { Request } from './accept.ts'
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
 * @param settle puts the row with its verdict into the database, where it may be already, or not.
 */
export async function admit(
  context: Context,
  row: TransactionRow,
  settle: Settle,
): Promise<TransactionRow | undefined> {
  const denied = row.origin === 'session' ? await denyForeseen(context, row, settle) : undefined
  if (denied !== undefined) return denied
  const drafted = await draftOf(context, row)
  if (!drafted.ok) return await refuse(context, settle, drafted.code, drafted.message)
  const { draft } = drafted
  const prices = await pricesFor(context.prices, row.network, draft.effects)
  const moved = await context.write(async (db) => {
    const now = context.now()
    const agent = await agentOf(db, row.agent_id)
    const refusal = spendingFault(agent, row.origin)
    if (refusal !== undefined) return await cancel(db, settle, now, refusal.code, refusal.message, {})
    if (row.origin === 'owner-sweep') return await allowSweep(db, settle, draft, now)
    const asked = askedBy(row, false)
    const judgement = await judge(context, db, { agent, network: row.network, draft, prices, now, asked })
    const applied = await apply(db, row, settle, draft, judgement, now)
    if (applied === undefined) throw new Error(`transaction ${row.id} was judged twice at once`)
    await recordJudgement(db, row, judgement.record)
    return applied
  })
  context.onStep('judged', row.id)
  return moved
}

/** Denies what is denied by what is certain of it, without asking the chain. `undefined` where it has to be asked. */
async function denyForeseen(
  context: Context,
  row: TransactionRow,
  settle: Settle,
): Promise<TransactionRow | undefined> {
  const { id, agent_id, network } = row
  const request = JSON.parse(row.request) as Request
  if (request.type === 'SIGN') return undefined
  const wallet = await context.walletOf(row)
  const account = { address: wallet.address, publicKey: wallet.public_key }
  const draft = context.adapters.get(network)?.foresee(request, account)
  if (draft === undefined) return undefined
  const prices = await pricesFor(context.prices, network, draft.effects)
  const { policies } = await context.policies(context.db, agent_id, network)
  if (!deniedAnyway(policies, { network, ...draft }, { now: context.now(), prices })) return undefined
  const moved = await context.write(async (db) => {
    const now = context.now()
    const agent = await agentOf(db, agent_id)
    if (spendingFault(agent) !== undefined) return undefined
    const asked = askedBy(row, false)
    const judgement = await judge(context, db, { agent, network, draft, prices, now, asked })
    if (judgement.verdict.tier !== 'DENY') return undefined
    const denied = await deny(db, settle, draft, judgement, now)
    await recordJudgement(db, row, judgement.record)
    return denied
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
  const wallet = await context.walletOf(row)
  const request = JSON.parse(row.request) as Request
  const account = { address: wallet.address, publicKey: wallet.public_key }
  return request.type === 'SIGN'
    ? await adapter.draftOutside(request.transaction, account)
    : await adapter.draft(request, account)
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
  settle: Settle,
  draft: Draft,
  judgement: Judgement,
  now: number,
): Promise<TransactionRow | undefined> {
  const { verdict } = judgement
  const code = (verdict.code ?? 'POLICY_DENIED') as ErrorCode
  const columns = judgedColumns(draft, judgement)
  const violation = { type: 'POLICY_VIOLATION', actor: 'daemon', data: { code, ...trace(judgement) } }
  return await cancel(db, settle, now, code, decidingMessage(verdict), columns, violation)
}

/** Holds a row until the owner decides. */
export async function askOwner(
  db: Kysely<Tables>,
  settle: Settle,
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
  const required = { type: 'TX_APPROVAL_REQUIRED', actor: 'daemon', data: { expiresAt } }
  return await settle(db, { to: 'QUEUED', at: now }, patch, required, { type: 'TX_QUEUED', actor: 'daemon', data })
}

/** Ends a row that is not yet allowed to run and has nothing reserved. */
export async function cancel(
  db: Kysely<Tables>,
  settle: Settle,
  now: number,
  code: ErrorCode,
  message: string,
  columns: TransactionPatch,
  ...before: TransactionEvent[]
): Promise<TransactionRow | undefined> {
  const cancelled = { type: 'TX_CANCELLED', actor: 'daemon', data: { code, message } }
  const patch = { ...columns, error_code: code, error_message: message }
  return await settle(db, { to: 'CANCELLED', at: now }, patch, ...before, cancelled)
}

/** What goes home to the owner passes without the policy, and takes nothing from its limits. */
async function allowSweep(db: Kysely<Tables>, settle: Settle, draft: Draft, now: number) {
  const reasons = [{ rule: 'OWNER_SWEEP', tier: 'INSTANT', message: 'Everything goes to the registered owner.' }]
  const patch = { ...draftColumns(draft), tier: 'INSTANT' as const, reasons: JSON.stringify(reasons) }
  const allowed = { type: 'TX_ALLOWED', actor: 'owner-sweep', data: { tier: 'INSTANT' } }
  return await settle(db, { to: 'EXECUTING', at: now }, patch, allowed)
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
  settle: Settle,
  draft: Draft,
  judgement: Judgement,
  now: number,
): Promise<TransactionRow | undefined> {
  if (judgement.verdict.tier === 'DENY') return await deny(db, settle, draft, judgement, now)
  const settled = await admitOrHold(db, settle, draft, judgement, now)
  if (settled !== undefined) await reserve(db, ledgerOwner(row, judgement, now), judgement.entries)
  return settled
}

async function admitOrHold(db: Kysely<Tables>, settle: Settle, draft: Draft, judgement: Judgement, now: number) {
  const { verdict } = judgement
  if (verdict.tier === 'APPROVAL') return await askOwner(db, settle, draft, judgement, now)
  const columns = judgedColumns(draft, judgement)
  if (verdict.tier !== 'DELAY') {
    const event = { type: 'TX_ALLOWED', actor: 'daemon', data: { tier: verdict.tier, ...trace(judgement) } }
    return await settle(db, { to: 'EXECUTING', at: now }, columns, event)
  }
  const executesAt = now + verdict.delaySeconds
  const downgraded = { type: 'TX_DOWNGRADED_DELAY', actor: 'daemon', data: { executesAt } }
  const event = { type: 'TX_QUEUED', actor: 'daemon', data: { tier: 'DELAY', executesAt, ...trace(judgement) } }
  const events = judgement.downgraded ? [downgraded, event] : [event]
  return await settle(db, { to: 'QUEUED', at: now }, { ...columns, executes_at: executesAt }, ...events)
}

/**
 * Ends a row that could not even be drafted. Where the same call may succeed later its key becomes free, so
 * that trying again with it starts afresh: nothing was judged or signed under it.
 */
async function refuse(
  context: Context,
  settle: Settle,
  code: ErrorCode,
  message: string,
): Promise<TransactionRow | undefined> {
  const columns = errorSpec(code).retryable === true ? { idempotency_key: null } : {}
  return await context.write((db) => cancel(db, settle, context.now(), code, message, columns))
}
