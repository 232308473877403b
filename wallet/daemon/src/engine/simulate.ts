import {
  balanceChangeView,
  formatUnits,
  humanUnits,
  isOutflow,
  type Policy,
  policiesInForce,
  type SimulationView,
  type TransactionRequest,
} from '@waiaas/core'
import { networkFor, walletOn } from './accept.ts'
import { fault } from './fault.ts'
import { agentOf, judge, nativeAsset, pricesFor, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'
import { effectView } from './stored-draft.ts'

/** What `send` would do with this request now. Stores nothing, and holds nothing back for it. */
export async function simulate(
  context: Context,
  caller: { agentId: string; sessionId: string | null },
  request: TransactionRequest,
  rows?: readonly Policy[],
): Promise<SimulationView> {
  const { db } = context
  const agent = await agentOf(db, caller.agentId)
  const refusal = spendingFault(agent)
  if (refusal !== undefined) throw refusal
  const network = networkFor(context, request, agent.default_network)
  const wallet = await walletOn(db, agent.id, network)
  const adapter = context.adapters.get(network)!
  const drafted = await adapter.draft(request, { address: wallet.address, publicKey: wallet.public_key })
  if (!drafted.ok) throw fault(drafted.code, drafted.message)
  const { draft } = drafted
  const prices = await pricesFor(context.prices, network, draft.effects)
  const stored = await context.policies(db, agent.id, network)
  const inForce = rows === undefined ? stored : { ...stored, policies: policiesInForce(rows, agent.id, network) }
  const asked = { sessionId: caller.sessionId, type: request.type, approved: false }
  const now = context.now()
  const { verdict, policyVersion, record } = await judge(context, db, {
    agent,
    network,
    draft,
    prices,
    now,
    asked,
    inForce,
  })
  const balance = await adapter.balance(wallet.address)
  if (!balance.ok) throw fault('CHAIN_ERROR', balance.message)
  const after = draft.effects.reduce(
    (left, effect) =>
      isOutflow(effect, wallet.address) && effect.asset.address === undefined ? left - effect.amount : left,
    balance.amount - draft.maxFee,
  )
  return {
    effects: draft.effects.map(effectView),
    ...(draft.changes === undefined ? {} : { changes: draft.changes.map(balanceChangeView) }),
    tier: verdict.tier,
    ...(verdict.code === undefined ? {} : { code: verdict.code }),
    reasons: verdict.reasons,
    amount: draft.amount.toString(),
    humanAmount: humanUnits(draft.amount, draft.asset),
    symbol: draft.asset.symbol,
    maxFee: draft.maxFee.toString(),
    humanMaxFee: formatUnits(draft.maxFee, nativeAsset(network).decimals),
    balance: { before: balance.amount.toString(), after: (after > 0n ? after : 0n).toString() },
    ...(verdict.tier === 'DELAY' ? { delaySeconds: verdict.delaySeconds } : {}),
    policyVersion,
    traceHash: record.traceHash,
  }
}
