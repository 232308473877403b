import { z } from 'zod'

const perMinute = z.number().int().min(1).max(1_000_000)

/** What an operator may change while the daemon runs. The names are those of config.toml. */
export const ChangeableSettings = z.strictObject({
  /** What becomes of an APPROVAL while no owner is registered. */
  'policy.without_owner': z.enum(['delay', 'deny']),
  'security.rate_limit_public_rpm': perMinute,
  'security.rate_limit_session_rpm': perMinute,
  'security.rate_limit_operator_rpm': perMinute,
})
export type ChangeableSettings = z.infer<typeof ChangeableSettings>
export type SettingName = keyof ChangeableSettings
export const settingNames = Object.keys(ChangeableSettings.shape) as SettingName[]

/** The body of PUT /v1/admin/settings: new values; null goes back to what config.toml says. */
export const UpdateSettings = z
  .strictObject({
    'policy.without_owner': ChangeableSettings.shape['policy.without_owner'].nullable().optional(),
    'security.rate_limit_public_rpm': perMinute.nullable().optional(),
    'security.rate_limit_session_rpm': perMinute.nullable().optional(),
    'security.rate_limit_operator_rpm': perMinute.nullable().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'name at least one setting')
export type UpdateSettings = z.infer<typeof UpdateSettings>

const Value = z.union([z.string(), z.number()])

export const SettingsView = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        value: Value,
        /** What config.toml, its defaults and the environment say. */
        configured: Value,
        /** True where an operator changed it; that holds over restarts. */
        changed: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Settings' })
export type SettingsView = z.infer<typeof SettingsView>
