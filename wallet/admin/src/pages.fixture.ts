import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchBrowser } from '@openpista/testing'
import type { Browser, Page } from 'playwright-core'
import type { PrivateKeyAccount } from 'viem/accounts'
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

/** A browser's wallet that has one account, and signs whatever a page asks for. */
export async function addWallet(page: Page, owner: PrivateKeyAccount): Promise<void> {
  await page.exposeFunction('signTest', (message: string) => owner.signTypedData(JSON.parse(message)))
  await page.addInitScript(`window.ethereum = {
    request: async ({ method, params }) =>
      method === 'eth_requestAccounts' ? ['${owner.address}'] : await window.signTest(params[1]),
  }`)
}
