import { type Clock, immediate, newId } from '@openpista/common'
import {
  type CreatePolicy,
  compareStrictness,
  type Json,
  type PolicyView,
  type ReplayPolicies,
  type ReplayView,
  ruleIssues,
  type Strictness,
  type UpdatePolicy,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import { appendEvent } from '../../store/events.ts'
import {
  asPolicy,
  nextPolicyVersion,
  type PolicyRow,
  policiesAt,
  removePolicy,
  savePolicy,
} from '../../store/policies.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { replayPolicies } from './policy-replay.ts'

/** Changes that loosen are refused where an owner is locked in: only tightening is the operator's alone. */
export type Policies = {
  /** @throws AppError AGENT_NOT_FOUND, OWNER_APPROVAL_REQUIRED. */
  create: (policy: CreatePolicy) => Promise<PolicyView>
  /** The global ones, and the agent's where one is named; all without an agent. As of a version of the set, or now. */
  list: (query: { agentId?: string | undefined; version?: number | undefined }) => Promise<PolicyView[]>
  /** @throws AppError POLICY_NOT_FOUND, VALIDATION_FAILED, OWNER_APPROVAL_REQUIRED. */
  update: (id: string, change: UpdatePolicy) => Promise<PolicyView>
  /** @throws AppError POLICY_NOT_FOUND, OWNER_APPROVAL_REQUIRED. */
  remove: (id: string) => Promise<void>
  /** What a draft would have said to the transactions of the last days. */
  replay: (draft: ReplayPolicies) => Promise<ReplayView>
}

export function createPolicies(parts: { db: Kysely<Tables>; clock: Clock }): Policies {
  const { db, clock } = parts
  return {
    create: async (policy) => {
      const now = clock.seconds()
      return await immediate(db, async (transaction) => {
        await assertAgent(transaction, policy.agentId)
        const row: PolicyRow = {
          id: newId(),
          agent_id: policy.agentId ?? null,
          network: policy.network ?? null,
          type: policy.type,
          rules: JSON.stringify(policy.rules),
          priority: policy.priority,
          enabled: policy.enabled ? 1 : 0,
          version: await nextPolicyVersion(transaction),
          created_at: now,
          updated_at: now,
        }
        const strictness = await assertMayChange(transaction, (rows) => [...rows, row])
        await savePolicy(transaction, row)
        return await announce(transaction, now, 'POLICY_CREATED', row, strictness)
      })
    },
    list: async ({ agentId, version }) => {
      const rows = await (version === undefined ? storedPolicies(db) : policiesAt(db, version))
      const wanted = (row: PolicyRow) => agentId === undefined || row.agent_id === null || row.agent_id === agentId
      return rows.filter(wanted).map(policyView)
    },
    update: async (id, change) => {
      const now = clock.seconds()
      return await immediate(db, async (transaction) => {
        const row = await find(transaction, id)
        if (change.rules !== undefined) assertRules(row.type, change.rules)
        const changed: PolicyRow = {
          ...row,
          rules: change.rules === undefined ? row.rules : JSON.stringify(change.rules),
          priority: change.priority ?? row.priority,
          enabled: change.enabled === undefined ? row.enabled : change.enabled ? 1 : 0,
          version: await nextPolicyVersion(transaction),
          updated_at: now,
        }
        const exchange = (rows: PolicyRow[]) => rows.map((other) => (other.id === id ? changed : other))
        const strictness = await assertMayChange(transaction, exchange)
        await savePolicy(transaction, changed)
        return await announce(transaction, now, 'POLICY_UPDATED', changed, strictness)
      })
    },
    remove: async (id) => {
      await immediate(db, async (transaction) => {
        const row = await find(transaction, id)
        const version = await nextPolicyVersion(transaction)
        const strictness = await assertMayChange(transaction, (rows) => rows.filter((other) => other.id !== id))
        await removePolicy(transaction, id, version)
        await announce(transaction, clock.seconds(), 'POLICY_DELETED', { ...row, version }, strictness)
      })
    },
    replay: (draft) => replayPolicies(parts, draft),
  }
}

async function storedPolicies(db: Kysely<Tables>): Promise<PolicyRow[]> {
  return await db.selectFrom('policies').selectAll().orderBy('id').execute()
}

async function find(transaction: Kysely<Tables>, id: string): Promise<PolicyRow> {
  const row = await transaction.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw fail('POLICY_NOT_FOUND', `There is no policy ${id}.`)
  return row
}

/**
 * How the change makes the set stand to what it was.
 *
 * @throws AppError OWNER_APPROVAL_REQUIRED where it loosens, or may loosen, what binds an agent with a locked-in owner.
 */
async function assertMayChange(
  transaction: Kysely<Tables>,
  change: (rows: PolicyRow[]) => PolicyRow[],
): Promise<Strictness> {
  const rows = await storedPolicies(transaction)
  const [before, after] = [rows.map(asPolicy), change(rows).map(asPolicy)]
  const locked = await transaction
    .selectFrom('agents')
    .select(['id', 'name'])
    .where('owner_verified_at', 'is not', null)
    .where('status', '<>', 'TERMINATED')
    .execute()
  for (const agent of locked) {
    const strictness = compareStrictness(before, after, agent.id)
    if (strictness === 'tighter' || strictness === 'equal') continue
    const message = `This would loosen the policy of agent ${agent.name}, and its owner has not signed it.`
    throw fail('OWNER_APPROVAL_REQUIRED', message, { details: { agentId: agent.id, strictness } })
  }
  return compareStrictness(before, after)
}

async function assertAgent(transaction: Kysely<Tables>, agentId: string | undefined): Promise<void> {
  if (agentId === undefined) return
  const agent = await transaction.selectFrom('agents').select('id').where('id', '=', agentId).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${agentId}.`)
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

async function announce(
  transaction: Kysely<Tables>,
  now: number,
  type: string,
  row: PolicyRow,
  strictness: Strictness,
): Promise<PolicyView> {
  const view = policyView(row)
  await appendEvent(transaction, now, {
    type,
    actor: 'admin',
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    data: { policy: view as unknown as Json, strictness },
  })
  return view
}

function policyView(row: PolicyRow): PolicyView {
  return {
    id: row.id,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.network === null ? {} : { network: row.network }),
    type: row.type as PolicyView['type'],
    rules: JSON.parse(row.rules),
    priority: row.priority,
    enabled: row.enabled === 1,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
