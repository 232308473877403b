import { type Clock, immediate } from '@openpista/common'
import {
  ChangeableSettings,
  type SettingName,
  type SettingsView,
  settingNames,
  type UpdateSettings,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import { appendEvent } from '../../store/events.ts'
import { readSetting, settingKeys, writeSetting } from '../../store/settings.ts'
import type { Tables } from '../../store/tables.ts'

export type Settings = {
  /** As they are in force now. */
  current: () => ChangeableSettings
  view: () => SettingsView
  /** Holds over restarts; null goes back to the configured value. */
  update: (change: UpdateSettings) => Promise<SettingsView>
}

type Changed = Partial<ChangeableSettings>

const CHANGED = 'changed_settings'

/** What is configured, under what an operator has changed since. */
export async function createSettings(parts: {
  db: Kysely<Tables>
  clock: Clock
  configured: ChangeableSettings
}): Promise<Settings> {
  const { db, clock, configured } = parts
  let changed = await readChanged(db)
  const merged = (changes: Changed): ChangeableSettings => ({ ...configured, ...changes })
  await immediate(db, (transaction) => enforce(transaction, clock.seconds(), merged(changed), 'daemon'))

  const view = (): SettingsView => {
    const values = merged(changed)
    return {
      items: settingNames.map((name) => {
        return { name, value: values[name], configured: configured[name], changed: changed[name] !== undefined }
      }),
    }
  }
  return {
    current: () => merged(changed),
    view,
    update: async (change) => {
      changed = await immediate(db, async (transaction) => {
        const now = clock.seconds()
        const before = await readChanged(transaction)
        const after = applied(before, change)
        await writeSetting(transaction, CHANGED, JSON.stringify(after))
        for (const name of settingNames) {
          const [previous, value] = [merged(before)[name], merged(after)[name]]
          if (previous === value || name === ENFORCED) continue
          const data = { key: name, value, previous }
          await appendEvent(transaction, now, { type: 'SETTING_CHANGED', actor: 'admin', data })
        }
        await enforce(transaction, now, merged(after), 'admin')
        return after
      })
      return view()
    },
  }
}

/** The one setting that the engine reads from the database, in the transaction that judges. */
const ENFORCED = settingKeys.withoutOwner

async function enforce(
  transaction: Kysely<Tables>,
  now: number,
  settings: ChangeableSettings,
  actor: 'admin' | 'daemon',
): Promise<void> {
  const [value, previous] = [settings[ENFORCED], await readSetting(transaction, ENFORCED)]
  if (previous === value) return
  await writeSetting(transaction, ENFORCED, value)
  const data = { key: ENFORCED, value, previous: previous ?? null }
  await appendEvent(transaction, now, { type: 'SETTING_CHANGED', actor, data })
}

/** What was changed; of a name that is no longer known, or a value that no longer fits, nothing is left. */
async function readChanged(db: Kysely<Tables>): Promise<Changed> {
  const stored = JSON.parse((await readSetting(db, CHANGED)) ?? '{}') as Record<string, unknown>
  const known = settingNames.filter((name) => ChangeableSettings.shape[name].safeParse(stored[name]).success)
  return Object.fromEntries(known.map((name) => [name, stored[name]]))
}

function applied(before: Changed, change: UpdateSettings): Changed {
  const entries = settingNames.map((name): [SettingName, string | number | null | undefined] => {
    const asked = change[name]
    return [name, asked === undefined ? before[name] : asked]
  })
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined))
}
