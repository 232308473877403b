import type { Kysely } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** Keys of the table `settings` that decide over payments. */
export const settingKeys = {
  /** NORMAL, ACTIVATED or RECOVERING; absent is NORMAL. */
  killSwitch: 'kill_switch',
  /** When and by whom, as JSON. */
  killSwitchDetails: 'kill_switch_details',
  /** Which key signs session tokens, and since when, as JSON. */
  sessionKey: 'session_key',
  /** Number of the last event that the automatic stop has looked at. */
  autoStopSeen: 'auto_stop_seen',
  /** What APPROVAL becomes without an owner: `delay` (default) or `deny`. */
  withoutOwner: 'policy.without_owner',
  /** The newest time that was written, and where the clock jumped ahead, as JSON. */
  clock: 'clock',
  /** Number of the policy set; every change of a policy raises it. */
  policyVersion: 'policy_version',
} as const

export async function readSetting(db: Kysely<Tables>, key: string): Promise<string | undefined> {
  const [row] = await storedUnder(db, { key })
  return row?.value
}

const storedUnder = statement((db, { key }: { key: string }) =>
  db.selectFrom('settings').select('value').where('key', '=', key),
)

export async function writeSetting(db: Kysely<Tables>, key: string, value: string): Promise<void> {
  await db
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
