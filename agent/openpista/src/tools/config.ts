import { z } from 'zod'

/** The section `[browser]` of the configuration. */
export const BrowserSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('whether there are the browser tools'),
    path: z.string().default('').describe('path of a Chromium; empty: the usual names are looked for'),
    idle_minutes: z.number().min(1).max(1440).default(10).describe("how long a session's page stays open unused"),
  })
  .describe('The browser that the agent drives.')

/** The section `[screen]`. */
export const ScreenSection = z
  .strictObject({ enabled: z.boolean().default(true).describe('whether there is screen.capture') })
  .describe('Pictures of the screen.')
