import type { Effect } from '../effect.ts'
import type { NetworkName } from '../network.ts'
import { type Reason, stricter, type Tier } from '../verdict.ts'
import type { Facts, PolicyType, Question, Subject } from './policy-type.ts'
import { findPolicyType, policyTypes } from './policy-types.ts'

/** A policy row as evaluation needs it. `agentId` and `network` null: all of them. */
export type Policy = {
  id: string
  agentId: string | null
  network: NetworkName | null
  type: string
  rules: unknown
  priority: number
  enabled: boolean
}

export type Verdict = {
  tier: Tier
  /** Set where the tier is DENY: the code of the strictest rule. */
  code?: string
  reasons: Reason[]
  delaySeconds: number
  approvalSeconds: number
}

export const DEFAULT_DELAY_SECONDS = 300
export const DEFAULT_APPROVAL_SECONDS = 3600

/**
 * The policies in force for an agent on a network: one row per type, the most specific one.
 * Order: agent+network > agent > network > global; among equals the higher priority, then the lower id.
 */
export function policiesInForce(rows: readonly Policy[], agentId: string, network: NetworkName): Policy[] {
  const rank = (row: Policy) => (row.agentId === null ? 0 : 2) + (row.network === null ? 0 : 1)
  const best = new Map<string, Policy>()
  for (const row of rows) {
    if (!row.enabled) continue
    if (row.agentId !== null && row.agentId !== agentId) continue
    if (row.network !== null && row.network !== network) continue
    const known = best.get(row.type)
    const order =
      known === undefined ? 1 : rank(row) - rank(known) || row.priority - known.priority || (row.id < known.id ? 1 : -1)
    if (order > 0) best.set(row.type, row)
  }
  return [...best.values()]
}

/** The order in which opinions are listed: by type, then by id, whatever order the rows came in. */
function inOrder(policies: readonly Policy[]): Policy[] {
  const place = (policy: Policy) => policyTypes.findIndex(({ type }) => type === policy.type)
  return policies.toSorted((a, b) => place(a) - place(b) || (a.id < b.id ? -1 : 1))
}

/** The questions whose answers `evaluate` needs in its facts. A row that cannot be read asks none, and denies. */
export function questionsFor(policies: readonly Policy[], subject: Subject): Question[] {
  return policies.flatMap((policy) => {
    const type = findPolicyType(policy.type)
    const rules = type?.rules.safeParse(policy.rules)
    return type === undefined || rules === undefined || !rules.success ? [] : type.ask(rules.data, subject)
  })
}

/**
 * Asks every rule about every effect and takes the strictest opinion. No early return: all reasons are kept.
 * DENY where no policy is in force, where an effect is spoken about by no permitting rule, and where a row
 * cannot be read. The order of `policies` does not matter.
 */
export function evaluate(policies: readonly Policy[], subject: Subject, facts: Facts): Verdict {
  const permitted = new Set<number>()
  const verdict: Verdict = {
    tier: 'INSTANT',
    reasons: [],
    delaySeconds: DEFAULT_DELAY_SECONDS,
    approvalSeconds: DEFAULT_APPROVAL_SECONDS,
  }
  const delays: number[] = []
  const approvals: number[] = []
  for (const policy of inOrder(policies)) {
    const type = findPolicyType(policy.type)
    for (const opinion of judge(policy, type, subject, facts)) {
      const { delaySeconds, approvalSeconds, ...reason } = opinion
      if (delaySeconds !== undefined) delays.push(delaySeconds)
      if (approvalSeconds !== undefined) approvals.push(approvalSeconds)
      if (opinion.effect !== undefined && type?.raises === false && opinion.tier !== 'DENY')
        permitted.add(opinion.effect)
      add(verdict, { rule: policy.type, policyId: policy.id, ...reason })
    }
  }
  for (const [index, effect] of subject.effects.entries()) {
    if (!permitted.has(index)) {
      add(verdict, { rule: 'DEFAULT', effect: index, tier: 'DENY', code: 'POLICY_DENIED', message: unspoken(effect) })
    }
  }
  if (subject.effects.length === 0) {
    add(verdict, {
      rule: 'DEFAULT',
      tier: 'DENY',
      code: 'POLICY_DENIED',
      message: 'The transaction does nothing that can be judged.',
    })
  }
  if (delays.length > 0) verdict.delaySeconds = Math.max(...delays)
  if (approvals.length > 0) verdict.approvalSeconds = Math.min(...approvals)
  return verdict
}

function judge(policy: Policy, type: PolicyType | undefined, subject: Subject, facts: Facts) {
  const rules = type?.rules.safeParse(policy.rules)
  if (type === undefined || rules === undefined || !rules.success) {
    return [
      {
        tier: 'DENY' as const,
        code: 'POLICY_DENIED',
        message: `The policy ${policy.id} (${policy.type}) cannot be read.`,
      },
    ]
  }
  return type.judge(rules.data, subject, facts)
}

function add(verdict: Verdict, reason: Reason): void {
  verdict.reasons.push(reason)
  if (reason.tier === 'DENY' && (verdict.code === undefined || verdict.code === 'POLICY_DENIED')) {
    verdict.code = reason.code ?? 'POLICY_DENIED'
  }
  verdict.tier = stricter(verdict.tier, reason.tier)
}

function unspoken(effect: Effect): string {
  const what = effect.kind === 'opaque' ? `something that cannot be read (${effect.why})` : `a ${effect.kind}`
  return `No policy allows ${what}.`
}
