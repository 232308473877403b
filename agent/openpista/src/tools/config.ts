import { z } from 'zod'

/** The section `[browser]` of the configuration. */
export const BrowserSection = z.strictObject({
  enabled: z.boolean().default(true),
  /** Path of a Chromium; empty: the usual names are looked for. */
  path: z.string().default(''),
  /** How long a session's page stays open unused. */
  idle_minutes: z.number().min(1).max(1440).default(10),
})

/** The section `[screen]`. */
export const ScreenSection = z.strictObject({ enabled: z.boolean().default(true) })
