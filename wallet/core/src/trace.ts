import { z } from 'zod'
import { EffectView } from './effect.ts'
import { TransactionStatus } from './transaction.ts'
import { ReasonView, Tier } from './verdict.ts'

/** One time that the policy was asked about a transaction: on which facts, and what every rule said. */
const JudgementView = z
  .object({
    at: z.number().int(),
    /** Number of the policy set that was in force. */
    policyVersion: z.number().int(),
    tier: Tier,
    code: z.string().optional(),
    /** Hash of effects, verdict and version as it was stored then. */
    traceHash: z.string(),
    /** True where that set, asked again on the stored facts, says the same to the letter of the hash. */
    reproduced: z.boolean(),
    /** What that set says on the stored facts. */
    reasons: z.array(ReasonView),
    effects: z.array(EffectView),
    maxFee: z.string(),
    /** What the rules asked for: totals by question, who was known, micro-dollars by asset. */
    facts: z.object({
      spent: z.record(z.string(), z.string()),
      counterparties: z.record(z.string(), z.object({ known: z.boolean(), lookAlikes: z.array(z.string()) })),
      prices: z.record(z.string(), z.string()),
    }),
  })
  .meta({ id: 'Judgement' })

/** Why a transaction was treated as it was. */
export const TraceView = z
  .object({
    transactionId: z.uuid(),
    agentId: z.uuid(),
    network: z.string(),
    status: TransactionStatus,
    /** As it was enforced: what the session allows and whether there is an owner included. */
    tier: Tier.optional(),
    reasons: z.array(ReasonView),
    downgraded: z.boolean(),
    /** Oldest first; none where it was refused before the policy was asked. */
    judgements: z.array(JudgementView),
  })
  .meta({ id: 'Trace' })
export type TraceView = z.infer<typeof TraceView>
