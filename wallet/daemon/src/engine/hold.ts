import { approvalDigest, type ErrorCode, errorSpec, type TransactionStatus } from '@waiaas/core'
import type { Agent } from '../store/agents.ts'
import { recordJudgement } from '../store/judgements.ts'
import { release, reserve } from '../store/ledger.ts'
import {
  findTransaction,
  move,
  patchTransaction,
  type Settle,
  settleStored,
  type TransactionEvent,
  type TransactionPatch,
  type TransactionRow,
  waitsOf,
} from '../store/transactions.ts'
import { askedBy, askOwner, cancel, deny, draftOf, judgedColumns, ledgerOwner, trace } from './admit.ts'
import { approvalContent } from './approval.ts'
import { failIn } from './end.ts'
import { fault } from './fault.ts'
import { agentOf, decidingMessage, judge, pricesFor, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'
import { draftColumns, readDraft, sameEffects } from './stored-draft.ts'
import { tellUnsigned } from './tell-unsigned.ts'

/** An owner's yes, its signature already verified. */
export type OwnerApproval = { ownerAddress: string; challengeId: string; digest: string; signature: string }

/**
 * QUEUED whose wait is over: drafts and judges again, then lets it run. What became stricter meanwhile wins.
 * Where the chain does not answer the row stays, and is tried again.
 */
export async function resumeDelayed(context: Context, row: TransactionRow): Promise<TransactionRow | undefined> {
  const { delay } = waitsOf(row)
  if (delay === undefined || context.clock.ends(delay) > context.now()) return undefined
  return await rejudge(context, row, undefined)
}

/**
 * QUEUED that the owner approved: holds to what was signed. The request must still do the same, what runs is
 * the approved draft with its fee ceiling, and the policy is asked again: its DENY wins.
 *
 * @throws AppError where it does not run.
 */
export async function approve(context: Context, id: string, approval: OwnerApproval): Promise<TransactionRow> {
  const row = await waiting(context, id)
  const wait = waitsOf(row).approval
  if (wait === undefined) throw fault('APPROVAL_NOT_FOUND', 'This transaction needs no approval.')
  if (context.now() >= context.clock.ends(wait)) {
    const expired = await expire(context, row)
    if (expired !== undefined) context.changes.changed(expired)
    throw fault('APPROVAL_TIMEOUT', 'The time to approve this transaction is over.')
  }
  const agent = await agentOf(context.db, row.agent_id)
  assertNotSuspended(agent)
  const wallet = await context.walletOf(row)
  if (agent.owner_address !== approval.ownerAddress) {
    throw fault('INVALID_SIGNATURE', 'This address is not the owner.')
  }
  if (approvalDigest(approvalContent(row, wallet.address)) !== approval.digest) {
    throw fault('INVALID_SIGNATURE', 'The signature approves something else. Open the approval page again.')
  }
  const moved = await rejudge(context, row, approval)
  if (moved === undefined) throw fault('TX_ALREADY_PROCESSED', 'Somebody decided this transaction meanwhile.')
  if (moved.status === 'CANCELLED') {
    context.changes.changed(moved)
    throw fault(moved.error_code as ErrorCode, moved.error_message ?? '', { transactionId: id })
  }
  return moved
}

/** QUEUED or EXECUTING -> CANCELLED by whoever may: nothing of it is signed. */
export async function withdraw(context: Context, id: string, actor: string): Promise<TransactionRow> {
  return await withdrawAs(context, id, ['QUEUED', 'EXECUTING'], { notice: null }, { type: 'TX_CANCELLED', actor })
}

/** QUEUED -> CANCELLED because the owner said no. */
export async function reject(context: Context, id: string, ownerAddress: string): Promise<TransactionRow> {
  const error = { error_code: 'POLICY_DENIED', error_message: 'The owner rejected this payment.' }
  return await withdrawAs(context, id, ['QUEUED'], error, { type: 'TX_REJECTED', actor: `owner:${ownerAddress}` })
}

async function withdrawAs(
  context: Context,
  id: string,
  from: readonly TransactionStatus[],
  patch: TransactionPatch,
  event: TransactionEvent,
): Promise<TransactionRow> {
  const row = await waiting(context, id, from)
  const moved = await context.write(async (db) => {
    const change = { id, from: row.status, to: 'CANCELLED' as const, at: context.now() }
    const cancelled = await move(db, change, patch, event)
    if (cancelled !== undefined) await release(db, id)
    return cancelled
  })
  if (moved === undefined) throw fault('TX_ALREADY_PROCESSED', 'Somebody decided this transaction meanwhile.')
  return moved
}

/** QUEUED -> EXPIRED when the owner did not answer in time. */
export async function expire(context: Context, row: TransactionRow): Promise<TransactionRow | undefined> {
  return await context.write(async (db) => {
    const error = { error_code: 'APPROVAL_TIMEOUT', error_message: 'The owner did not approve in time.' }
    const change = { id: row.id, from: row.status, to: 'EXPIRED' as const, at: context.now() }
    const expired = await move(db, change, error, { type: 'TX_APPROVAL_EXPIRED', actor: 'daemon' })
    if (expired !== undefined) await release(db, row.id)
    return expired
  })
}

async function waiting(
  context: Context,
  id: string,
  from: readonly TransactionStatus[] = ['QUEUED'],
): Promise<TransactionRow> {
  const row = await findTransaction(context.db, id)
  if (row === undefined) throw fault('TX_NOT_FOUND', `There is no transaction ${id}.`)
  if (row.outcome_unknown === 1) {
    throw fault('OUTCOME_UNKNOWN', 'It was handed to the chain, which has not told yet whether it took effect.', {
      transactionId: id,
    })
  }
  if (!from.includes(row.status))
    throw fault('TX_ALREADY_PROCESSED', `The transaction is ${row.status}, it does not wait.`)
  return row
}

async function rejudge(
  context: Context,
  row: TransactionRow,
  approval: OwnerApproval | undefined,
): Promise<TransactionRow | undefined> {
  const drafted = await draftOf(context, row)
  if (!drafted.ok) return await undrafted(context, row, drafted.code, drafted.message, approval)
  const fresh = drafted.draft
  const draft = approval === undefined ? fresh : readDraft(row)
  const prices = await pricesFor(context.prices, row.network, draft.effects)
  return await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    if (current?.status !== 'QUEUED') return undefined
    const now = context.now()
    const agent = await agentOf(db, row.agent_id)
    if (approval !== undefined) assertNotSuspended(agent)
    const refusal = spendingFault(agent)
    if (refusal !== undefined) return await cancelHeld(db, current, now, refusal.code, refusal.message)
    if (approval !== undefined && !sameEffects(fresh.effects, draft.effects)) {
      const message = 'The transaction would do something else than what was approved. Send it again.'
      return await cancelHeld(db, current, now, 'SIMULATION_FAILED', message)
    }
    await release(db, row.id)
    const asked = askedBy(row, approval !== undefined)
    const judgement = await judge(context, db, { agent, network: row.network, draft, prices, now, asked })
    await recordJudgement(db, row, judgement.record)
    if (judgement.verdict.tier === 'DENY') return await deny(db, settleStored(current), draft, judgement, now)
    await reserve(db, ledgerOwner(row, judgement, now), judgement.entries)
    if (judgement.verdict.tier === 'APPROVAL' && approval === undefined) {
      return await askOwner(db, settleStored(current), draft, judgement, now)
    }
    const kept: TransactionPatch = { tier: row.tier, downgraded: row.downgraded }
    const approved = approval === undefined ? {} : { approved_at: now }
    const patch = { ...judgedColumns(draft, judgement), ...kept, ...approved }
    const change = { id: row.id, from: current.status, to: 'EXECUTING' as const, at: now }
    return await move(db, change, patch, allowedBy(approval, trace(judgement)))
  })
}

/**
 * EXECUTING, and every signature made so far is proven dead: drafts and judges again before another one is made. What
 * the owner approved holds for the same effects under the same fee.
 */
export async function rejudgeToSign(context: Context, row: TransactionRow): Promise<TransactionRow | undefined> {
  const drafted = await draftOf(context, row)
  if (!drafted.ok) {
    if (errorSpec(drafted.code).retryable === true) {
      await tellUnsigned(context, row, 'NOT_SIGNED', drafted.message)
      return undefined
    }
    return await context.write((db) => failIn(context, db, row, drafted.code, drafted.message))
  }
  const isApproved = row.approved_at !== null
  const draft = isApproved ? readDraft(row) : drafted.draft
  const prices = await pricesFor(context.prices, row.network, draft.effects)
  return await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    if (current?.status !== 'EXECUTING' || current.hash !== row.hash) return undefined
    const now = context.now()
    const agent = await agentOf(db, row.agent_id)
    const refusal = spendingFault(agent, row.origin)
    if (refusal !== undefined) return await failIn(context, db, current, refusal.code, refusal.message)
    if (row.origin !== 'session') return await signAgain(db, current, draftColumns(draft), now)
    if (isApproved && !sameEffects(drafted.draft.effects, draft.effects)) {
      const message = 'The transaction would do something else than what was approved. Send it again.'
      return await failIn(context, db, current, 'SIMULATION_FAILED', message)
    }
    await release(db, row.id)
    const asked = askedBy(row, isApproved)
    const judgement = await judge(context, db, { agent, network: row.network, draft, prices, now, asked })
    await recordJudgement(db, row, judgement.record)
    const { verdict } = judgement
    if (verdict.tier === 'DENY') {
      return await failIn(
        context,
        db,
        current,
        (verdict.code ?? 'POLICY_DENIED') as ErrorCode,
        decidingMessage(verdict),
      )
    }
    await reserve(db, ledgerOwner(row, judgement, now), judgement.entries)
    if (verdict.tier === 'APPROVAL' && !isApproved) {
      const settle = settleStored(current)
      const unsigned: Settle = (to, change, patch, ...events) =>
        settle(to, change, { ...patch, hash: null, notice: null }, ...events)
      return await askOwner(db, unsigned, draft, judgement, now)
    }
    const kept: TransactionPatch = { tier: row.tier, downgraded: row.downgraded }
    return await signAgain(db, current, { ...judgedColumns(draft, judgement), ...kept }, now)
  })
}

/** The row as one that was never signed; its signatures stay with it. */
async function signAgain(db: Context['db'], row: TransactionRow, patch: TransactionPatch, now: number) {
  const changed = { ...patch, hash: null, notice: null }
  await patchTransaction(db, row.id, now, changed, 'EXECUTING')
  return { ...row, ...changed, updated_at: now } as TransactionRow
}

/** The owner's approval of a payment outlasts a suspension: the payment waits on, and can be approved after it. */
function assertNotSuspended(agent: Agent): void {
  if (agent.status !== 'SUSPENDED') return
  const message = `The agent ${agent.name} is suspended. The payment is still waiting: resume the agent, then approve again.`
  throw fault('AGENT_SUSPENDED', message)
}

/** Ends a row that waits; what it reserved is free again. */
async function cancelHeld(
  db: Context['db'],
  row: TransactionRow,
  now: number,
  code: ErrorCode,
  message: string,
): Promise<TransactionRow | undefined> {
  const cancelled = await cancel(db, settleStored(row), now, code, message, {})
  if (cancelled !== undefined) await release(db, row.id)
  return cancelled
}

function allowedBy(approval: OwnerApproval | undefined, data: ReturnType<typeof trace>) {
  if (approval === undefined) return { type: 'TX_DELAY_OVER', actor: 'daemon', data }
  const { ownerAddress, ...proof } = approval
  return { type: 'TX_APPROVED', actor: `owner:${ownerAddress}`, data: { ...data, ...proof } }
}

/** A draft that fails for a time leaves the row waiting; one that cannot succeed ends it. */
async function undrafted(
  context: Context,
  row: TransactionRow,
  code: ErrorCode,
  message: string,
  approval: OwnerApproval | undefined,
): Promise<TransactionRow | undefined> {
  if (errorSpec(code).retryable !== true) {
    return await context.write((db) => cancelHeld(db, row, context.now(), code, message))
  }
  if (approval !== undefined) throw fault(code, message, { transactionId: row.id })
  return undefined
}
