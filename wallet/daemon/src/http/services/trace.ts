import { evaluate, policiesInForce, type TraceView, type TransactionView, traceHash } from '@waiaas/core'
import type { Kysely } from 'kysely'
import { effectView } from '../../engine/stored-draft.ts'
import { judgementsOf, type PastJudgement } from '../../store/judgements.ts'
import { asPolicy, policiesAt } from '../../store/policies.ts'
import type { Tables } from '../../store/tables.ts'

/**
 * Why a transaction was treated as it was: each stored judgement, and the policy set of then asked again on the
 * stored facts. That both say the same is shown by the hash that was stored with the judgement.
 */
export async function traceOf(db: Kysely<Tables>, view: TransactionView): Promise<TraceView> {
  const { id, agentId, network, status, tier, reasons, downgraded } = view
  const judgements: TraceView['judgements'] = []
  for (const judgement of await judgementsOf(db, id)) judgements.push(await judgementView(db, judgement))
  const enforced = tier === undefined ? {} : { tier }
  return { transactionId: id, agentId, network, status, ...enforced, reasons, downgraded, judgements }
}

async function judgementView(db: Kysely<Tables>, judgement: PastJudgement): Promise<TraceView['judgements'][number]> {
  const { subject, facts, agentId, policyVersion, code } = judgement
  const rows = (await policiesAt(db, policyVersion)).map(asPolicy)
  const verdict = evaluate(policiesInForce(rows, agentId, subject.network), subject, facts)
  return {
    at: judgement.at,
    policyVersion,
    tier: judgement.tier,
    ...(code === null ? {} : { code }),
    traceHash: judgement.traceHash,
    reproduced: traceHash(subject, verdict, policyVersion) === judgement.traceHash,
    reasons: verdict.reasons,
    effects: subject.effects.map(effectView),
    maxFee: subject.maxFee.toString(),
    facts: {
      spent: digits(facts.spent),
      counterparties: Object.fromEntries(
        [...facts.counterparties].map(([address, { known, lookAlikes }]) => [
          address,
          { known, lookAlikes: [...lookAlikes] },
        ]),
      ),
      prices: digits(facts.prices),
    },
  }
}

function digits(amounts: ReadonlyMap<string, bigint>): Record<string, string> {
  return Object.fromEntries([...amounts].map(([key, amount]) => [key, amount.toString()]))
}
