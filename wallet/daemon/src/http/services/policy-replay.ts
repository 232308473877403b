import {
  type Asset,
  assetKey,
  draftRows,
  evaluate,
  type Facts,
  formatUnits,
  type Policy,
  policiesInForce,
  questionKey,
  questionsFor,
  type ReplayPolicies,
  type ReplayView,
  type Subject,
  type Tier,
  tiers,
  usdText,
  usdValue,
  type Verdict,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { SteadyClock } from '../../engine/steady-clock.ts'
import { firstJudgements, type PastJudgement } from '../../store/judgements.ts'
import { createPast, type Past } from '../../store/past.ts'
import type { Tables } from '../../store/tables.ts'

const DAY = 86_400

/**
 * What draft policies would have said to the transactions of the last days, each in the past as it really was.
 * The same data gives the same answer: time, prices and answers are the recorded ones. A question that nobody
 * asked then is answered from the ledger and the list of those who were paid.
 */
export async function replayPolicies(
  parts: { db: Kysely<Tables>; clock: SteadyClock },
  { policies, days, agentId }: ReplayPolicies,
): Promise<ReplayView> {
  const { db, clock } = parts
  const rows = draftRows(policies)
  const judgements = await firstJudgements(db, clock.ago(days * DAY), agentId)
  const past = await createPast(db, clock.ago((days + 31) * DAY), clock.ago)
  const tally = createTally()
  for (const judgement of judgements) tally.add(judgement, judgeAgain(judgement, rows, past))
  return tally.result()
}

function judgeAgain(judgement: PastJudgement, rows: readonly Policy[], past: Past): Verdict {
  const { subject, agentId } = judgement
  const policies = policiesInForce(rows, agentId, subject.network)
  const { now, prices } = judgement.facts
  const spent = new Map(judgement.facts.spent)
  const counterparties = new Map(judgement.facts.counterparties)
  for (const question of questionsFor(policies, subject)) {
    if (question.kind === 'counterparty') {
      const known = counterparties.get(question.address) ?? past.counterparty(judgement, question.address)
      counterparties.set(question.address, known)
    } else {
      const key = questionKey(question)
      spent.set(key, spent.get(key) ?? past.total(judgement, question))
    }
  }
  const facts: Facts = { now, prices, spent, counterparties }
  return evaluate(policies, subject, facts)
}

type Exposure = { asset: Asset; before: bigint; after: bigint }

/** Counts, sums and differences of two verdicts on many transactions. */
function createTally() {
  const byTier = Object.fromEntries(tiers.map((tier) => [tier, { before: 0, after: 0 }])) as ReplayView['tiers']
  const exposure = new Map<string, Exposure>()
  const usd = { before: 0n, after: 0n }
  const differences: ReplayView['differences'] = []
  let transactions = 0

  const expose = ({ subject, facts }: PastJudgement, side: 'before' | 'after') => {
    for (const { asset, amount } of outflow(subject)) {
      const sums = exposure.get(assetKey(asset)) ?? { asset, before: 0n, after: 0n }
      exposure.set(assetKey(asset), { ...sums, [side]: sums[side] + amount })
      const price = facts.prices.get(assetKey(asset))
      if (price !== undefined) usd[side] += usdValue(amount, asset.decimals, price)
    }
  }

  return {
    add: (judgement: PastJudgement, verdict: Verdict) => {
      transactions += 1
      byTier[judgement.tier].before += 1
      byTier[verdict.tier].after += 1
      if (leavesAlone(judgement.tier)) expose(judgement, 'before')
      if (leavesAlone(verdict.tier)) expose(judgement, 'after')
      if (judgement.tier === verdict.tier && judgement.code === (verdict.code ?? null)) return
      const { transactionId, agentId, at } = judgement
      const before = spoken(judgement.tier, judgement.code ?? undefined)
      const after = spoken(verdict.tier, verdict.code)
      differences.push({ transactionId, agentId, at, before, after, reasons: verdict.reasons })
    },
    result: (): ReplayView => ({
      transactions,
      tiers: byTier,
      exposure: [...exposure.values()].map(({ asset, before, after }) => ({
        asset: assetKey(asset),
        symbol: asset.symbol,
        before: formatUnits(before, asset.decimals),
        after: formatUnits(after, asset.decimals),
      })),
      exposureUsd: { before: usdText(usd.before), after: usdText(usd.after) },
      differences,
    }),
  }
}

/** Without the owner's yes. */
function leavesAlone(tier: Tier): boolean {
  return tier !== 'APPROVAL' && tier !== 'DENY'
}

function outflow(subject: Subject): { asset: Asset; amount: bigint }[] {
  return subject.effects.filter((effect) => effect.kind === 'spend' || effect.kind === 'grant')
}

function spoken(tier: Tier, code: string | undefined): { tier: Tier; code?: string } {
  return code === undefined ? { tier } : { tier, code }
}
