import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Keys of the table `settings` that decide over payments. */
export const settingKeys = {
  /** NORMAL, ACTIVATED or RECOVERING; absent is NORMAL. */
  killSwitch: 'kill_switch',
  /** What APPROVAL becomes without an owner: `delay` (default) or `deny`. */
  withoutOwner: 'policy.without_owner',
  /** Number of the policy set; every change of a policy raises it. */
  policyVersion: 'policy_version',
} as const

export async function readSettings(db: Kysely<Tables>): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom('settings').selectAll().where('key', 'in', Object.values(settingKeys)).execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}
