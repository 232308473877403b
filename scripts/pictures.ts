import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchBrowser } from '@openpista/testing'
import { playInBrowser } from './demo/browser-tour.ts'
import { startDemo } from './demo/stack.ts'

/** Makes the pictures of the README and the docs: the demo as a person sees it in a browser. */
const folder = mkdtempSync(join(tmpdir(), 'pictures-'))
const images = join(import.meta.dirname, '..', 'docs', 'images')
mkdirSync(images, { recursive: true })
const stack = await startDemo({
  folder,
  ports: { gateway: 0, wallet: 0 },
  agentEnv: {},
  say: console.log,
  echo: () => {},
})
const browser = await launchBrowser()
try {
  for (const look of [
    { name: '', width: 1280, height: 860, colorScheme: 'light' as const },
    { name: '-dark', width: 1280, height: 860, colorScheme: 'dark' as const },
    { name: '-narrow', width: 360, height: 740, colorScheme: 'light' as const },
  ]) {
    const { width, height, colorScheme } = look
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: 1 })
    await playInBrowser(stack, context, async (what, page) => {
      await page.screenshot({ path: join(images, `${what}${look.name}.png`) })
      console.log(`docs/images/${what}${look.name}.png`)
    })
    await context.close()
  }
} finally {
  await browser.close()
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
}
