import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchBrowser } from '@openpista/testing'
import type { Browser } from 'playwright-core'
import { build } from 'vite'
import { vi } from 'vitest'

/** The pages as they are published, and a browser to open them in. */
export type BuiltPages = { folder: string; browser: Browser; close: () => Promise<void> }

export async function buildPages(): Promise<BuiltPages> {
  const folder = await mkdtemp(join(tmpdir(), 'waiaas-admin-'))
  vi.stubEnv('NODE_ENV', 'production')
  await build({
    root: join(import.meta.dirname, '..'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  })
  const browser = await launchBrowser()
  return {
    folder,
    browser,
    close: async () => {
      await browser.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
