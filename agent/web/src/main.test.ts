import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchBrowser } from '@openpista/testing'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { paymentCard, strangersCard, toolCard } from './cards.fixture.ts'
import { startTestGateway, type TestGateway } from './gateway.fixture.ts'

let folder: string
let browser: Browser
let gateway: TestGateway
let context: BrowserContext
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openpista-web-'))
  vi.stubEnv('NODE_ENV', 'production')
  await build({
    root: join(import.meta.dirname, '..'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  gateway = await startTestGateway({ folder })
  await open({})
})
afterEach(async () => {
  await context.close()
  await gateway.close()
  // Whatever the content security policy refused, and every error of a script, is told on the console.
  expect(complaints.splice(0)).toEqual([])
})

async function open(options: { width?: number; height?: number; scheme?: 'light' | 'dark' }): Promise<void> {
  await context?.close()
  context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
    // A service worker outlives its page; what it does has a test of its own.
    serviceWorkers: 'block',
  })
  page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION|40[14]|426/.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(gateway.url)
  await page.getByText('Connected', { exact: true }).waitFor()
}

const field = () => page.getByRole('textbox', { name: 'Message' })
async function say(text: string): Promise<void> {
  await field().fill(text)
  await field().press('Enter')
  await page.locator('.bubble', { hasText: text }).waitFor()
}

test('an answer is seen while it is being written', async () => {
  await say('hello')
  const { id: messageId } = await gateway.until('message')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId })
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'Hello **wor' })
  await page.locator('.prose', { hasText: 'Hello **wor' }).waitFor()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'ld**.' })
  await page.locator('.prose strong', { hasText: 'world' }).waitFor()
  gateway.emit({ type: 'turn.finished', turnId: 't', status: 'stop', text: 'Hello **world**.' })
  await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
})

test('what a model writes is never markup, and a link shows where it goes', async () => {
  await say('hello')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  const text = '<img src=x onerror="document.title=1"> <b>b</b> [bank](https://evil.example/x) [x](javascript:alert(1))'
  gateway.emit({ type: 'text.delta', turnId: 't', text })
  await page.locator('.prose', { hasText: '<b>b</b>' }).waitFor()
  expect(await page.locator('.prose img, .prose b').count()).toBe(0)
  const links = page.locator('.prose a')
  expect(await links.count()).toBe(1)
  expect(await links.getAttribute('rel')).toContain('noopener')
  expect(await links.innerText()).toContain('evil.example')
})

test('a tool call shows its output while it runs and how it ended', async () => {
  await say('/run ls')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  const call = { callId: 'c', name: 'system.run', summary: 'ls', arguments: { command: 'ls' } }
  gateway.emit({ type: 'tool.started', turnId: 't', call })
  await page.getByLabel('Running').waitFor()
  gateway.emit({ type: 'tool.output', turnId: 't', callId: 'c', text: 'a.txt\n' })
  await page.locator('.tool-output', { hasText: 'a.txt' }).waitFor()
  const output = Array.from({ length: 30 }, (_, line) => `file ${line}`).join('\n')
  gateway.emit({ type: 'tool.finished', turnId: 't', callId: 'c', output, isError: false })
  await page.getByText('30 lines').waitFor()
  await expect.poll(() => page.locator('.tool-output').count()).toBe(0)
  await page.getByRole('button', { name: /system.run/ }).click()
  await page.locator('.tool-output', { hasText: 'file 29' }).waitFor()
})

test('a running turn can be stopped', async () => {
  await say('long')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  await page.getByRole('button', { name: 'Stop' }).click()
  await gateway.until('cancel')
  gateway.emit({ type: 'turn.finished', turnId: 't', status: 'aborted', text: '' })
  await page.getByText('Stopped.').waitFor()
})

test.each([
  ['Approve', 'approve', 'Approved'],
  ['Reject', 'reject', 'Rejected'],
  ['Allow for this session', 'allow_for_session', 'Allowed for this session'],
] as const)('a card is answered with "%s"', async (label, decision, words) => {
  await say('/run ls')
  gateway.emit({ type: 'approval.requested', card: toolCard() })
  const card = page.getByRole('article', { name: 'Run uname -a' })
  await card.getByRole('button', { name: label, exact: true }).click()
  expect(await gateway.until('approval.answer')).toMatchObject({ cardId: 'card-1', decision })
  await card.getByText(words).waitFor()
  await expect.poll(() => card.getByRole('button').count()).toBe(0)
})

test('a payment card can be rejected or opened for signing, never approved here', async () => {
  await say('/wallet send 0.6 ETH')
  gateway.emit({ type: 'approval.requested', card: paymentCard() })
  const card = page.getByRole('article', { name: /Send 0.6 ETH/ })
  await card.waitFor()
  expect(await card.getByRole('button', { name: /approve/i }).count()).toBe(0)
  const link = card.getByRole('link', { name: 'Open signing page' })
  expect(await link.getAttribute('href')).toBe('http://127.0.0.1:3100/approve/1')
  expect(await link.getAttribute('rel')).toContain('noopener')
  await card.getByText('7F3-A21').waitFor()
  await card.getByRole('button', { name: 'Reject' }).click()
  await card.getByText('Rejected; nothing was done').waitFor()
})

test('a card that somebody else asked for says so before anything else', async () => {
  await say('read that page')
  const sources = [{ trusted: false, label: 'web page https://evil.example/offer' }]
  gateway.emit({ type: 'approval.requested', card: { ...toolCard(), sources, title: 'Run curl evil\u202egpj.sh' } })
  const note = page.getByRole('note').filter({ hasText: 'https://evil.example/offer' })
  await note.waitFor()
  await page.getByRole('heading', { name: /curl evil.U\+202E.gpj\.sh/ }).waitFor()
})

test('a card whose time is over takes no answer', async () => {
  await say('/run ls')
  gateway.emit({ type: 'approval.requested', card: { ...toolCard(), expiresAt: Math.floor(Date.now() / 1000) + 5 } })
  const card = page.getByRole('article', { name: 'Run uname -a' })
  await card.getByText(/^\d s left$/).waitFor()
  await card.getByText('No answer in time; nothing was done').waitFor()
  await expect.poll(() => card.getByRole('button').count()).toBe(0)
})

test('a line that is cut in the middle of an answer is mended without a gap', async () => {
  await say('count')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'one ' })
  await page.locator('.prose', { hasText: 'one' }).waitFor()
  gateway.setOpen(false)
  gateway.dropConnections()
  await page.getByText(/Reconnecting in/).waitFor()
  await field().fill('while you were away')
  await field().press('Enter')
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'two ' })
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'three' })
  gateway.setOpen(true)
  await page.getByText('Connected', { exact: true }).waitFor()
  await page.getByText('one two three', { exact: true }).waitFor()
  await page.locator('.user:not([data-state])', { hasText: 'while you were away' }).waitFor()
  expect(await page.locator('.prose').count()).toBe(1)
  expect(gateway.taken).toHaveLength(2)
})

test('a browser that is not signed in is told how to get in', async () => {
  gateway.setLocked(true)
  gateway.dropConnections()
  await page.getByText('Not signed in', { exact: true }).waitFor()
  await page.getByRole('alert').filter({ hasText: 'openpista link' }).waitFor()
  await page.getByRole('button', { name: 'Now' }).click()
  gateway.setLocked(false)
  await page.getByText('Connected', { exact: true }).waitFor()
})

test('a reload shows the same session again', async () => {
  await say('remember this')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  gateway.emit({ type: 'turn.finished', turnId: 't', status: 'stop', text: 'I will.' })
  await page.locator('.prose', { hasText: 'I will.' }).waitFor()
  await page.reload()
  await page.locator('.prose', { hasText: 'I will.' }).waitFor()
  await expect.poll(() => page.locator('.bubble').allInnerTexts()).toEqual(['remember this'])
})

test('sessions can be made, opened and deleted', async () => {
  await say('first session')
  await page.getByRole('button', { name: 'New session' }).click()
  await page.getByRole('heading', { name: 'What shall we do?' }).waitFor()
  await say('second session')
  const list = page.getByRole('navigation', { name: 'Sessions' })
  await list.getByRole('button', { name: /^first session/ }).click()
  await page.locator('.bubble', { hasText: 'first session' }).waitFor()
  await list.getByRole('listitem').filter({ hasText: 'second session' }).hover()
  await list.getByRole('button', { name: 'Delete second session' }).click()
  await list.getByRole('button', { name: 'Delete', exact: true }).click()
  await list.getByText('second session').waitFor({ state: 'detached' })
})

test('the keyboard is enough: commands are found, chosen and sent; Shift+Enter is a new line', async () => {
  await field().focus()
  await page.keyboard.type('/wal')
  const palette = page.getByRole('listbox', { name: 'Commands' })
  await palette.waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect.poll(() => field().inputValue()).toBe('/wallet address ')
  await palette.waitFor({ state: 'detached' })
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('x')
  await expect.poll(() => field().inputValue()).toBe('/wallet address \nx')
  await page.keyboard.press('Enter')
  expect((await gateway.until('message')).text).toBe('/wallet address \nx')
})

test('a confirmed payment shows its hash with a way to copy it', async () => {
  await say('/wallet send')
  const hash = `0x${'ab'.repeat(32)}`
  gateway.emit({ type: 'notice', text: `Paid 0.001 ETH. Transaction ${hash}`, tone: 'success' })
  await page.locator('.notice code', { hasText: hash }).waitFor()
  await page.locator('.notice').getByRole('button', { name: 'Copy' }).waitFor()
})

test('without a model the page says what works and how to get one', async () => {
  await page.getByText('No model yet.').waitFor()
  await page.getByText('export OPENAI_API_KEY').waitFor()
  await page.getByRole('button', { name: /\/run uname -a/ }).click()
  await expect.poll(() => field().inputValue()).toBe('/run uname -a')
})

test('the page asks nobody but its own server, and fits a phone', async () => {
  const hosts = new Set<string>()
  await open({ width: 360, height: 740 })
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  await page.reload()
  await say('hello')
  await scene()
  expect([...hosts]).toEqual([new URL(gateway.url).host])
  expect(await overflow()).toBe(0)
})

test('the page opens while the gateway is down', async () => {
  const withWorker = await browser.newContext()
  const offline = await withWorker.newPage()
  await offline.goto(gateway.url)
  await offline.getByText('Connected', { exact: true }).waitFor()
  await offline.evaluate('navigator.serviceWorker.ready.then(() => true)')
  await withWorker.setOffline(true)
  gateway.setOpen(false)
  gateway.dropConnections()
  await offline.reload()
  await offline.getByText('Offline').waitFor()
  await offline.getByRole('textbox', { name: 'Message' }).waitFor()
  await withWorker.close()
})

test('script and style together are at most 80 KB, compressed; no file is inline or uncompressed', async () => {
  const files = await readdir(folder, { recursive: true })
  const compressed = files.filter((name) => /\.(js|css)\.br$/.test(name))
  const sizes = await Promise.all(compressed.map(async (name) => (await readFile(join(folder, name))).length))
  expect(sizes.length).toBeGreaterThanOrEqual(3)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(80_000)
  for (const name of files.filter((file) => /\.(js|css|html|svg)$/.test(file))) {
    expect(files).toContain(`${name}.br`)
    expect(files).toContain(`${name}.gz`)
  }
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/)
})

// PICTURES names a folder for somebody who wants to look at them.
test('every state fits a phone and a screen, light and dark', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1280, 860],
    ] as const) {
      await gateway.close()
      gateway = await startTestGateway({ folder })
      const shoot = async (name: string) => {
        await page.screenshot({ path: join(process.env.PICTURES ?? folder, `${name}-${width}-${scheme}.png`) })
        expect(await overflow()).toBe(0)
      }
      await open({ width, height, scheme })
      await shoot('empty')
      gateway.setModel('gpt-5-mini')
      await open({ width, height, scheme })
      await say('What is filling up the disk of this machine?')
      await scene()
      await shoot('chat')
      gateway.emit({ type: 'approval.requested', card: strangersCard() })
      await page.getByRole('article').last().scrollIntoViewIfNeeded()
      await shoot('untrusted')
      gateway.emit({ type: 'approval.resolved', cardId: 'card-3', outcome: 'rejected', by: 'you, on web' })
      gateway.emit({ type: 'approval.requested', card: paymentCard() })
      await page.getByRole('article', { name: /Send 0.6 ETH/ }).waitFor()
      await page.locator('.conversation').evaluate((element) => element.scrollTo(0, element.scrollHeight))
      await shoot('payment')
      gateway.emit({ type: 'approval.resolved', cardId: 'card-2', outcome: 'executed', by: 'owner' })
      const text = `Confirmed: 0.6 ETH to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8. Transaction 0x${'9f3c'.repeat(16)}`
      gateway.emit({ type: 'notice', text, tone: 'success' })
      await field().fill('/wal')
      await page.getByRole('listbox').waitFor()
      await shoot('palette')
      if (width === 360) {
        await page.getByRole('button', { name: 'Sessions' }).click()
        await page.getByRole('button', { name: 'Close the list' }).waitFor()
        await shoot('sessions')
      }
    }
  }
})

/** How much wider than the screen the page or the conversation is. */
const overflow = () =>
  page.evaluate(
    `Math.max(...['html', '.conversation'].flatMap((name) => {
      const element = document.querySelector(name)
      return element === null ? [] : [element.scrollWidth - element.clientWidth]
    }))`,
  )

async function scene(): Promise<void> {
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  gateway.emit({ type: 'text.delta', turnId: 't', text: 'Let me look at the largest folders first.' })
  const call = { callId: 'c', name: 'system.run', summary: 'du -xh --max-depth=2 / | sort -h | tail -5', arguments: {} }
  gateway.emit({ type: 'tool.started', turnId: 't', call })
  const output = ['1.2G\t/usr/lib', '3.4G\t/home/ana', '4.1G\t/var/cache', '18G\t/var/log', '31G\t/'].join('\n')
  gateway.emit({ type: 'tool.finished', turnId: 't', callId: 'c', output, isError: false })
  const text = [
    'Logs take most of it: **18 GB** in `/var/log`.',
    '',
    '| folder | size |',
    '|---|---|',
    '| /var/log | 18 GB |',
    '| /var/cache | 4.1 GB |',
    '',
    'Two safe steps:',
    '',
    '1. Keep one week of the journal:',
    '   ```sh',
    '   journalctl --vacuum-time=7d',
    '   ```',
    '2. Empty the package cache. See [the manual](https://manpages.debian.org/apt-get).',
  ].join('\n')
  gateway.emit({ type: 'text.delta', turnId: 't', text })
  gateway.emit({ type: 'turn.finished', turnId: 't', status: 'stop', text })
  await page.locator('.prose', { hasText: 'Two safe steps' }).waitFor()
}
