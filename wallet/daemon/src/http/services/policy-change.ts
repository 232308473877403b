import { newId } from '@openpista/common'
import {
  compareStrictness,
  describePolicyChange,
  type PolicyChange,
  type PolicyChangeContent,
  policyChangeDigest,
  ruleIssues,
  type Strictness,
} from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { asPolicy, type PolicyRow, policyVersion } from '../../store/policies.ts'
import type { Tables } from '../../store/tables.ts'
import type { OwnerIdentity } from '../auth/identity.ts'
import { fail } from '../fail.ts'

/** What a change would make of the set. Nothing is stored by planning it. */
export type PlannedChange = {
  change: PolicyChange
  before: PolicyRow | undefined
  /** Undefined where the row is removed. */
  after: PolicyRow | undefined
  /** Of the set that is changed. */
  version: number
  /** How the set after stands to the set before. */
  strictness: Strictness
  /** Agents with a locked-in owner that the change loosens, or may loosen. */
  loosened: readonly LoosenedAgent[]
}

export type LoosenedAgent = Pick<
  Selectable<Tables['agents']>,
  'id' | 'name' | 'owner_address' | 'owner_family' | 'owner_network'
>

/** @throws AppError AGENT_NOT_FOUND, POLICY_NOT_FOUND, VALIDATION_FAILED. */
export async function planChange(db: Kysely<Tables>, change: PolicyChange, now: number): Promise<PlannedChange> {
  const version = await policyVersion(db)
  const next = { version: version + 1, updated_at: now }
  const before = change.kind === 'create' ? undefined : await findPolicy(db, change.id)
  const after = change.kind === 'create' ? await newRow(db, change.policy, next) : changedRow(before!, change, next)
  const rows = await db.selectFrom('policies').selectAll().orderBy('id').execute()
  const others = rows.filter(({ id }) => id !== before?.id)
  const [oldSet, newSet] = [rows.map(asPolicy), [...others, ...(after === undefined ? [] : [after])].map(asPolicy)]
  const locked = await db
    .selectFrom('agents')
    .select(['id', 'name', 'owner_address', 'owner_family', 'owner_network'])
    .where('owner_verified_at', 'is not', null)
    .where('status', '<>', 'TERMINATED')
    .orderBy('id')
    .execute()
  const loosened = locked.filter(({ id }) => !['tighter', 'equal'].includes(compareStrictness(oldSet, newSet, id)))
  return { change, before, after, version, strictness: compareStrictness(oldSet, newSet), loosened }
}

/** What the owner is asked to say yes to. */
export async function changeContent(db: Kysely<Tables>, planned: PlannedChange): Promise<PolicyChangeContent> {
  const { change, before, after, version, loosened } = planned
  const agents = await db.selectFrom('agents').select(['id', 'name']).execute()
  const nameOf = (id: string) => agents.find((agent) => agent.id === id)?.name ?? id
  const [old, next] = [before, after].map((row) => (row === undefined ? undefined : asPolicy(row)))
  return { change, agents: loosened, policyVersion: version, lines: describePolicyChange(old, next, nameOf) }
}

/**
 * Nothing is loosened for an agent with a locked-in owner unless that owner has signed for exactly this.
 *
 * @throws AppError OWNER_APPROVAL_REQUIRED; INVALID_SIGNATURE for a signature over something else.
 */
export function assertMayChange(planned: PlannedChange, proof: OwnerIdentity | undefined): void {
  const { change, loosened, version, strictness } = planned
  const [first] = loosened
  if (first === undefined) return
  const owner = soleOwner(planned)
  if (proof === undefined) {
    const message = `This would loosen the policy of agent ${first.name}, and its owner has not signed it.`
    const details = { agentId: first.id, agentIds: loosened.map(({ id }) => id), strictness }
    throw fail('OWNER_APPROVAL_REQUIRED', message, { details })
  }
  const digest = policyChangeDigest({ change, agents: loosened, policyVersion: version })
  if (proof.ownerAddress === owner.owner_address && proof.digest === digest) return
  throw fail('INVALID_SIGNATURE', 'The owner has signed for another change, or for an older version of the policies.', {
    hint: 'Ask for a challenge with the action policy_change for this change, and send its signature with this call.',
  })
}

/**
 * One signature cannot speak for two owners.
 *
 * @throws AppError OWNER_APPROVAL_REQUIRED where several are concerned.
 */
export function soleOwner({ loosened, strictness }: PlannedChange): LoosenedAgent {
  const [first, ...others] = loosened
  if (first === undefined) throw new Error('nobody is loosened')
  const same = (other: LoosenedAgent) =>
    other.owner_address === first.owner_address && other.owner_network === first.owner_network
  if (others.every(same)) return first
  throw fail('OWNER_APPROVAL_REQUIRED', 'This would loosen the policies of agents with different owners.', {
    hint: 'Make a policy for one agent at a time, which its owner can sign.',
    details: { strictness },
  })
}

async function findPolicy(db: Kysely<Tables>, id: string): Promise<PolicyRow> {
  const row = await db.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw fail('POLICY_NOT_FOUND', `There is no policy ${id}.`)
  return row
}

type Next = { version: number; updated_at: number }

async function newRow(
  db: Kysely<Tables>,
  policy: Extract<PolicyChange, { kind: 'create' }>['policy'],
  next: Next,
): Promise<PolicyRow> {
  const { agentId } = policy
  if (agentId !== undefined) {
    const agent = await db.selectFrom('agents').select('id').where('id', '=', agentId).executeTakeFirst()
    if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${agentId}.`)
  }
  return {
    id: newId(),
    agent_id: agentId ?? null,
    network: policy.network ?? null,
    type: policy.type,
    rules: JSON.stringify(policy.rules),
    priority: policy.priority,
    enabled: policy.enabled ? 1 : 0,
    created_at: next.updated_at,
    ...next,
  }
}

function changedRow(
  row: PolicyRow,
  wanted: Extract<PolicyChange, { kind: 'update' | 'delete' }>,
  next: Next,
): PolicyRow | undefined {
  if (wanted.kind === 'delete') return undefined
  const { rules, priority, enabled } = wanted.change
  if (rules !== undefined) assertRules(row.type, rules)
  return {
    ...row,
    rules: rules === undefined ? row.rules : JSON.stringify(rules),
    priority: priority ?? row.priority,
    enabled: enabled === undefined ? row.enabled : enabled ? 1 : 0,
    ...next,
  }
}

function assertRules(type: string, rules: unknown): void {
  const issues = ruleIssues(type, rules)
  if (issues.length === 0) return
  throw fail('VALIDATION_FAILED', 'The rules do not fit the type of the policy.', {
    details: {
      issues: issues.map(({ path, message }) => ({ in: 'body', path: ['$.rules', ...path].join('.'), message })),
    },
  })
}
