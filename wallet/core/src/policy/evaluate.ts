import { parseAddress } from '../address.ts'
import type { Effect } from '../effect.ts'
import type { ErrorCode } from '../error.ts'
import { type NetworkName, networkOf } from '../network.ts'
import { type Reason, stricter, type Tier } from '../verdict.ts'
import {
  defaultWaits,
  type Facts,
  type Opinion,
  type PolicyType,
  type Question,
  type Subject,
  type Waits,
} from './policy-type.ts'
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

/** A policy whose rules were read, once for any number of judgements. `reading` undefined: they cannot be read. */
export type ReadPolicy = Omit<Policy, 'rules'> & { reading: { type: PolicyType; rules: unknown } | undefined }

export type Verdict = {
  tier: Tier
  /** Set where the tier is DENY: the code of the strictest rule. */
  code?: string
  reasons: Reason[]
  delaySeconds: number
  approvalSeconds: number
}

export function readPolicy({ rules, ...row }: Policy): ReadPolicy {
  const type = findPolicyType(row.type)
  const parsed = type?.rules.safeParse(rules)
  return { ...row, reading: type !== undefined && parsed?.success ? { type, rules: parsed.data } : undefined }
}

/**
 * The policies in force for an agent on a network, read: one row per type, the most specific one.
 * Order: agent+network > agent > network > global; among equals the higher priority, then the lower id.
 */
export function policiesInForce(rows: readonly Policy[], agentId: string, network: NetworkName): ReadPolicy[] {
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
  return [...best.values()].map(readPolicy)
}

/** The order in which opinions are listed: by type, then by id, whatever order the rows came in. */
function inOrder(policies: readonly ReadPolicy[]): ReadPolicy[] {
  return policies.toSorted((a, b) => placeOf(a.type) - placeOf(b.type) || (a.id < b.id ? -1 : 1))
}

const places: ReadonlyMap<string, number> = new Map(policyTypes.map(({ type }, index) => [type, index]))

function placeOf(type: string): number {
  return places.get(type) ?? -1
}

/** Tokens on a network that these policies speak about, in the form of their chain. */
export function namedTokens(policies: readonly ReadPolicy[], network: NetworkName): string[] {
  const { family } = networkOf(network)
  const named = policies.flatMap(({ reading }) => reading?.type.tokens?.(reading.rules, network) ?? [])
  const parsed = named.map((address) => parseAddress(family, address))
  return [...new Set(parsed.flatMap((each) => (each.ok ? [each.address] : [])))]
}

/** The questions whose answers `evaluate` needs in its facts. A row that cannot be read asks none, and denies. */
export function questionsFor(policies: readonly ReadPolicy[], subject: Subject): Question[] {
  return policies.flatMap(({ reading }) => (reading === undefined ? [] : reading.type.ask(reading.rules, subject)))
}

/**
 * Asks every rule about every effect and takes the strictest opinion. No early return: all reasons are kept.
 * DENY where no policy is in force, where no rule permits an effect, and where a row cannot be read.
 * The order of `policies` does not matter.
 */
export function evaluate(policies: readonly ReadPolicy[], subject: Subject, facts: Facts): Verdict {
  const verdict: Verdict = {
    tier: 'INSTANT',
    reasons: [],
    ...defaultWaits,
  }
  const permitted = new Set<number>()
  const denied = new Set<number>()
  const add = (named: Pick<Reason, 'rule' | 'policyId'>, { permits, ...opinion }: Opinion) => {
    addReason(verdict, { ...named, ...opinion })
    if (opinion.effect === undefined) return
    if (opinion.tier === 'DENY') denied.add(opinion.effect)
    else if (permits === true) permitted.add(opinion.effect)
  }
  for (const policy of inOrder(policies)) {
    for (const opinion of judge(policy, subject, facts)) add({ rule: policy.type, policyId: policy.id }, opinion)
  }
  const present = new Set(policies.map(({ type }) => type))
  for (const type of policyTypes as readonly PolicyType[]) {
    if (present.has(type.type)) continue
    for (const opinion of type.absent?.(subject) ?? []) add({ rule: type.type }, opinion)
  }
  for (const [index, effect] of subject.effects.entries()) {
    if (permitted.has(index) || denied.has(index)) continue
    add({ rule: 'DEFAULT' }, { effect: index, tier: 'DENY', ...unspoken(effect) })
  }
  if (subject.effects.length === 0) {
    const message = 'The transaction does nothing that can be judged.'
    add({ rule: 'DEFAULT' }, { tier: 'DENY', code: 'POLICY_DENIED', message })
  }
  return { ...verdict, ...waitsOf(policies) }
}

function judge(policy: ReadPolicy, subject: Subject, facts: Facts): Opinion[] {
  const { reading } = policy
  if (reading === undefined) {
    const message = `The policy ${policy.id} (${policy.type}) cannot be read.`
    return [{ tier: 'DENY', code: 'POLICY_DENIED', message }]
  }
  return reading.type.judge(reading.rules, subject, facts)
}

/** The waits that the policies set: the longest delay, the shortest time to approve. */
function waitsOf(policies: readonly ReadPolicy[]): Partial<Waits> {
  const waits = policies.flatMap(({ reading }) => reading?.type.waits?.(reading.rules) ?? [])
  if (waits.length === 0) return {}
  return {
    delaySeconds: Math.max(...waits.map(({ delaySeconds }) => delaySeconds)),
    approvalSeconds: Math.min(...waits.map(({ approvalSeconds }) => approvalSeconds)),
  }
}

function addReason(verdict: Verdict, reason: Reason): void {
  verdict.reasons.push(reason)
  if (reason.tier === 'DENY' && (verdict.code === undefined || verdict.code === 'POLICY_DENIED')) {
    verdict.code = reason.code ?? 'POLICY_DENIED'
  }
  verdict.tier = stricter(verdict.tier, reason.tier)
}

function unspoken(effect: Effect): { code: ErrorCode; message: string } {
  if (effect.kind === 'spend' && effect.asset.address !== undefined) {
    const message = `No policy allows the token ${effect.asset.symbol} (${effect.asset.address}).`
    return { code: 'TOKEN_NOT_ALLOWED', message }
  }
  const what = effect.kind === 'opaque' ? `something that cannot be read (${effect.why})` : `a ${effect.kind}`
  return { code: 'POLICY_DENIED', message: `No policy allows ${what}.` }
}
