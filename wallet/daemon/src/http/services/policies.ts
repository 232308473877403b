import { type Clock, immediate, newId } from '@openpista/common'
import { type CreatePolicy, type Json, type PolicyView, ruleIssues, type UpdatePolicy } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { appendEvent } from '../../store/events.ts'
import { settingKeys } from '../../store/settings.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'

export type Policies = {
  create: (policy: CreatePolicy) => Promise<PolicyView>
  /** The global ones, and the agent's where one is named; all without an agent. */
  list: (agentId: string | undefined) => Promise<PolicyView[]>
  /** @throws AppError POLICY_NOT_FOUND, VALIDATION_FAILED. */
  update: (id: string, change: UpdatePolicy) => Promise<PolicyView>
  /** @throws AppError POLICY_NOT_FOUND. */
  remove: (id: string) => Promise<void>
}

type PolicyRow = Selectable<Tables['policies']>

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
          version: await nextVersion(transaction),
          created_at: now,
          updated_at: now,
        }
        await transaction.insertInto('policies').values(row).execute()
        return await announce(transaction, now, 'POLICY_CREATED', row)
      })
    },
    list: async (agentId) => {
      const query = db.selectFrom('policies').selectAll().orderBy('id')
      const rows = await (agentId === undefined
        ? query
        : query.where((where) => where.or([where('agent_id', 'is', null), where('agent_id', '=', agentId)]))
      ).execute()
      return rows.map(policyView)
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
          version: await nextVersion(transaction),
          updated_at: now,
        }
        await transaction.updateTable('policies').set(changed).where('id', '=', id).execute()
        return await announce(transaction, now, 'POLICY_UPDATED', changed)
      })
    },
    remove: async (id) => {
      await immediate(db, async (transaction) => {
        const row = await find(transaction, id)
        await transaction.deleteFrom('policies').where('id', '=', id).execute()
        const version = await nextVersion(transaction)
        await announce(transaction, clock.seconds(), 'POLICY_DELETED', { ...row, version })
      })
    },
  }
}

async function find(transaction: Kysely<Tables>, id: string): Promise<PolicyRow> {
  const row = await transaction.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw fail('POLICY_NOT_FOUND', `There is no policy ${id}.`)
  return row
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

async function nextVersion(transaction: Kysely<Tables>): Promise<number> {
  const row = await transaction
    .selectFrom('settings')
    .select('value')
    .where('key', '=', settingKeys.policyVersion)
    .executeTakeFirst()
  const version = Number(row?.value ?? 0) + 1
  await transaction
    .insertInto('settings')
    .values({ key: settingKeys.policyVersion, value: String(version) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(version) }))
    .execute()
  return version
}

async function announce(transaction: Kysely<Tables>, now: number, type: string, row: PolicyRow): Promise<PolicyView> {
  const view = policyView(row)
  await appendEvent(transaction, now, {
    type,
    actor: 'admin',
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    data: { policy: view as unknown as Json },
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
