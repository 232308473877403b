import { z } from 'zod'
import { NetworkRef } from './network.ts'
import { findPolicyType, PolicyTypeName } from './policy/policy-types.ts'
import { TransactionRequest } from './transaction.ts'

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

export const SimulatePolicy = z.strictObject({ agentId: z.uuid(), request: TransactionRequest })

/** What is wrong with the rules of a policy of this type; empty when they are good. */
export function ruleIssues(type: string, rules: unknown): { path: PropertyKey[]; message: string }[] {
  const definition = findPolicyType(type)
  if (definition === undefined) return [{ path: [], message: `unknown policy type ${type}` }]
  const result = definition.rules.safeParse(rules)
  return result.success ? [] : result.error.issues.map(({ path, message }) => ({ path, message }))
}
