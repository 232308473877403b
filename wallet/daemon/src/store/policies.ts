import type { Policy } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { readSetting, settingKeys } from './settings.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type PolicyRow = Selectable<Tables['policies']>

/** Every enabled policy row that may concern the agent. Rules that are no JSON come as `undefined` and deny. */
export async function policiesOf(db: Kysely<Tables>, agentId: string): Promise<Policy[]> {
  return (await enabledRows(db, { agentId })).map(asPolicy)
}

const enabledRows = statement((db, { agentId }: { agentId: string }) =>
  db
    .selectFrom('policies')
    .selectAll()
    .where('enabled', '=', 1)
    .where((where) => where.or([where('agent_id', 'is', null), where('agent_id', '=', agentId)])),
)

/** A row as evaluation takes it. */
export function asPolicy(row: PolicyRow): Policy {
  return {
    id: row.id,
    agentId: row.agent_id,
    network: row.network,
    type: row.type,
    rules: parse(row.rules),
    priority: row.priority,
    enabled: row.enabled === 1,
  }
}

/** Stores a new or changed row under the version of the set that it makes. */
export async function savePolicy(db: Kysely<Tables>, row: PolicyRow): Promise<void> {
  await endVersion(db, row.id, row.version)
  const { id, ...columns } = row
  await db
    .insertInto('policies')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
    .execute()
  await db
    .insertInto('policy_versions')
    .values({ ...row, until_version: null })
    .execute()
}

/** Removes a row; from this version of the set on it is gone. */
export async function removePolicy(db: Kysely<Tables>, id: string, version: number): Promise<void> {
  await endVersion(db, id, version)
  await db.deleteFrom('policies').where('id', '=', id).execute()
}

/** All rows of one version of the set, disabled ones too. */
export async function policiesAt(db: Kysely<Tables>, version: number): Promise<PolicyRow[]> {
  const rows = await db
    .selectFrom('policy_versions')
    .selectAll()
    .where('version', '<=', version)
    .where((where) => where.or([where('until_version', 'is', null), where('until_version', '>', version)]))
    .orderBy('id')
    .execute()
  return rows.map(({ until_version: _, ...row }) => row)
}

/** Number of the policy set now. */
export async function policyVersion(db: Kysely<Tables>): Promise<number> {
  return Number((await readSetting(db, settingKeys.policyVersion)) ?? 0)
}

/** The number of the set that a change makes. Call it in the transaction of the change. */
export async function nextPolicyVersion(db: Kysely<Tables>): Promise<number> {
  const version = (await policyVersion(db)) + 1
  const value = String(version)
  await db
    .insertInto('settings')
    .values({ key: settingKeys.policyVersion, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
  return version
}

async function endVersion(db: Kysely<Tables>, id: string, version: number): Promise<void> {
  await db
    .updateTable('policy_versions')
    .set({ until_version: version })
    .where('id', '=', id)
    .where('until_version', 'is', null)
    .execute()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
