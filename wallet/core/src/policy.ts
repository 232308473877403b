import { z } from 'zod'
import { NetworkRef } from './network.ts'
import type { Policy } from './policy/evaluate.ts'
import { findPolicyType, PolicyTypeName } from './policy/policy-types.ts'
import { TransactionRequest } from './transaction.ts'
import { ReasonView, Tier } from './verdict.ts'

/** A policy row on the wire. `agentId` absent: all agents. `network` absent: all networks. */
const base = {
  agentId: z.uuid().optional(),
  network: NetworkRef.optional(),
  type: PolicyTypeName,
  rules: z.record(z.string(), z.unknown()),
  priority: z.number().int().min(-1000).max(1000).default(0),
  enabled: z.boolean().default(true),
}

export const CreatePolicy = z.strictObject(base).superRefine((policy, context) => {
  for (const issue of ruleIssues(policy.type, policy.rules)) {
    context.addIssue({ code: 'custom', path: ['rules', ...issue.path], message: issue.message })
  }
})
export type CreatePolicy = z.infer<typeof CreatePolicy>

export const UpdatePolicy = z.strictObject({
  rules: base.rules.optional(),
  priority: z.number().int().min(-1000).max(1000).optional(),
  enabled: z.boolean().optional(),
})
export type UpdatePolicy = z.infer<typeof UpdatePolicy>

export const PolicyView = z
  .object({
    id: z.uuid(),
    agentId: z.uuid().optional(),
    network: z.string().optional(),
    type: PolicyTypeName,
    rules: z.record(z.string(), z.unknown()),
    priority: z.number().int(),
    enabled: z.boolean(),
    /** Version of the whole policy set that this row's last change made. */
    version: z.number().int(),
    createdAt: z.number().int(),
    updatedAt: z.number().int(),
  })
  .meta({ id: 'Policy' })
export type PolicyView = z.infer<typeof PolicyView>

/** A set of policies that is not in force. */
const DraftPolicies = z.array(CreatePolicy).max(200)

export const SimulatePolicy = z.strictObject({
  agentId: z.uuid(),
  request: TransactionRequest,
  /** Judge by these instead of the stored policies. */
  policies: DraftPolicies.optional(),
})

export const ReplayPolicies = z.strictObject({
  policies: DraftPolicies,
  days: z.number().int().min(1).max(90).default(30),
  /** Only this agent's transactions. */
  agentId: z.uuid().optional(),
})
export type ReplayPolicies = z.infer<typeof ReplayPolicies>

const BeforeAfter = z.object({ before: z.number().int(), after: z.number().int() })

/** What a draft would have said. `before` is what the policies in force then said; owners and sessions aside. */
export const ReplayView = z
  .object({
    transactions: z.number().int(),
    /** Number of transactions by tier. */
    tiers: z.object({
      INSTANT: BeforeAfter,
      NOTIFY: BeforeAfter,
      DELAY: BeforeAfter,
      APPROVAL: BeforeAfter,
      DENY: BeforeAfter,
    }),
    /** What could leave without the owner's yes, by asset. */
    exposure: z.array(z.object({ asset: z.string(), symbol: z.string(), before: z.string(), after: z.string() })),
    /** The same in dollars, at the prices recorded then; assets without a price aside. */
    exposureUsd: z.object({ before: z.string(), after: z.string() }),
    differences: z.array(
      z.object({
        transactionId: z.uuid(),
        agentId: z.uuid(),
        at: z.number().int(),
        before: z.object({ tier: Tier, code: z.string().optional() }),
        after: z.object({ tier: Tier, code: z.string().optional() }),
        reasons: z.array(ReasonView),
      }),
    ),
  })
  .meta({ id: 'PolicyReplay' })
export type ReplayView = z.infer<typeof ReplayView>

/** Policies that are not stored, as rows that can be evaluated. */
export function draftRows(drafts: readonly CreatePolicy[]): Policy[] {
  return drafts.map(({ agentId, network, ...draft }, index) => {
    return { id: `draft-${index + 1}`, agentId: agentId ?? null, network: network ?? null, ...draft }
  })
}

/** What is wrong with the rules of a policy of this type; empty when they are good. */
export function ruleIssues(type: string, rules: unknown): { path: PropertyKey[]; message: string }[] {
  const definition = findPolicyType(type)
  if (definition === undefined) return [{ path: [], message: `unknown policy type ${type}` }]
  const result = definition.rules.safeParse(rules)
  return result.success ? [] : result.error.issues.map(({ path, message }) => ({ path, message }))
}
