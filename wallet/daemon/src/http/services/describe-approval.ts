import {
  type ApprovalContent,
  type ChallengeView,
  formatUnits,
  isOutflow,
  type NetworkName,
  networkOf,
  shortCode,
  type TransactionView,
} from '@waiaas/core'
import { waitsOf } from '../../store/transactions.ts'
import { fail } from '../fail.ts'
import type { ChallengeParts } from './challenges.ts'

/**
 * A transaction that waits for its owner.
 *
 * @throws AppError TX_NOT_FOUND, TX_ALREADY_PROCESSED, APPROVAL_NOT_FOUND, APPROVAL_TIMEOUT.
 */
export async function findWaiting(parts: ChallengeParts, id: string, now: number) {
  const [row, view] = await Promise.all([
    parts.db.selectFrom('transactions').selectAll().where('id', '=', id).executeTakeFirst(),
    parts.engine.view(id),
  ])
  if (row === undefined || view === undefined) throw fail('TX_NOT_FOUND', `There is no transaction ${id}.`)
  if (row.status === 'EXPIRED') throw fail('APPROVAL_TIMEOUT', 'The time for the approval is over.')
  if (row.status !== 'QUEUED') {
    const message = `The transaction is ${row.status}; there is nothing to approve.`
    throw fail('TX_ALREADY_PROCESSED', message, { details: progressOf(view) })
  }
  const { approval } = waitsOf(row)
  if (approval === undefined) {
    throw fail('APPROVAL_NOT_FOUND', 'The transaction does not wait for the owner.', { details: progressOf(view) })
  }
  const expiresAt = parts.clock.ends(approval)
  if (now >= expiresAt) throw fail('APPROVAL_TIMEOUT', 'The time for the approval is over.')
  return { row, view, expiresAt }
}

/** What has become of a transaction, for the owner who looks at it later; the link has shown the whole of it before. */
function progressOf(view: TransactionView) {
  const { status, type, outcomeUnknown, closing, hash, fee, error, notice, executesAt } = view
  const { native } = networkOf(view.network as NetworkName)
  const paid =
    fee === undefined ? {} : { fee, humanFee: formatUnits(BigInt(fee), native.decimals), feeSymbol: native.symbol }
  const known = Object.entries({ hash, error, notice, executesAt }).filter(([, value]) => value !== undefined)
  return { status, type, outcomeUnknown, closing, ...paid, ...Object.fromEntries(known) }
}

/** Everything to look at before signing. */
export async function describeApproval(
  parts: ChallengeParts,
  facts: { content: ApprovalContent; view: TransactionView; digest: string; agentName: string },
): Promise<ChallengeView['approval']> {
  const { content, view } = facts
  const { native } = networkOf(content.network)
  const balance = await nativeBalance(parts, content)
  return {
    transactionId: content.transactionId,
    agent: { id: content.agentId, name: facts.agentName },
    network: content.network,
    from: content.from,
    effects: view.effects,
    maxFee: content.maxFee.toString(),
    humanMaxFee: formatUnits(content.maxFee, native.decimals),
    feeSymbol: native.symbol,
    ...(balance === undefined ? {} : { balance }),
    reasons: view.reasons,
    expiresAt: content.expiresAt,
    shortCode: shortCode(facts.digest),
    status: view.status,
  }
}

/** The native balance now, and after the transaction with its highest fee; nothing where the node does not answer. */
async function nativeBalance(parts: ChallengeParts, content: ApprovalContent) {
  const { native } = networkOf(content.network)
  const result = await parts.adapters.get(content.network)?.balance(content.from)
  if (result === undefined || !result.ok) return undefined
  let after = result.amount - content.maxFee
  for (const effect of content.effects) {
    if (isOutflow(effect, content.from) && effect.asset.address === undefined) after -= effect.amount
  }
  const [before, rest] = [result.amount, after].map((amount) => formatUnits(amount, native.decimals))
  return { before: before!, after: rest!, symbol: native.symbol }
}
