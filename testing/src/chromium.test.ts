import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { findChromium, launchBrowser } from './chromium.ts'

test('a launched browser shows a page, runs its script and takes a picture', async (context) => {
  const found = await findChromium()
  if ('missing' in found) return context.skip(found.missing)
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<h1 id="t">waiting</h1><script>t.textContent = "ready " + (40 + 2)</script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage({ viewport: { width: 360, height: 640 } })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    expect(await page.textContent('#t')).toBe('ready 42')
    const picture = await page.screenshot()
    expect(picture.subarray(1, 4).toString('latin1')).toBe('PNG')
    expect(picture.readUInt32BE(16)).toBe(360)
  } finally {
    await browser.close()
    server.close()
  }
})

test('a named browser that does not start is reported, not replaced by another', async () => {
  const env = { ...process.env, CHROMIUM_PATH: '/nonexistent/chromium' }
  expect(await findChromium(env)).toEqual({ missing: expect.stringContaining('/nonexistent/chromium') })
})
