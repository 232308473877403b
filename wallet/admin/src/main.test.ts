import { generateKeyPairSync, sign as signBytes, verify as verifyBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Effect, Reason } from '@waiaas/core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type Hex, recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type DaemonOptions, startTestDaemon, type TestDaemon } from './daemon.fixture.ts'
import { type BuiltPages, buildPages } from './pages.fixture.ts'

const owner = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const RECIPIENT = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const ether = { network: 'evm-local' as const, symbol: 'ETH', decimals: 18 }
const payment: Effect = { kind: 'spend', asset: ether, amount: 600_000_000_000_000_000n, to: RECIPIENT }
const reasons: Reason[] = [
  { rule: 'COUNTERPARTY', effect: 0, tier: 'NOTIFY', message: `First payment to ${RECIPIENT}.` },
  { rule: 'SPENDING_LIMIT', effect: 0, tier: 'APPROVAL', message: '0.6 ETH is above 0.5 ETH, so the owner decides.' },
]

let pages: BuiltPages
let folder: string
let browser: Browser
let daemon: TestDaemon
let context: BrowserContext
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  pages = await buildPages()
  ;({ folder, browser } = pages)
})
afterAll(() => pages?.close())
beforeEach(async () => {
  await start({})
})
afterEach(async () => {
  await context.close()
  await daemon.close()
  // Whatever the content security policy refused, and every error of a script, is told on the console.
  expect(complaints.splice(0)).toEqual([])
})

async function start(options: Partial<DaemonOptions>): Promise<void> {
  await daemon?.close()
  daemon = await startTestDaemon({
    folder,
    owner: { scheme: 'eip712', address: owner.address },
    effects: [payment],
    network: 'evm-local',
    from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    reasons,
    ...options,
  })
  await openContext({})
}

async function openContext(options: { width?: number; height?: number; scheme?: 'light' | 'dark' }): Promise<void> {
  await context?.close()
  context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  })
  page = await context.newPage()
  page.on('console', (message) => {
    const isAnswer = /status of (401|404|409|410)|ERR_CONNECTION|ERR_FAILED/.test(message.text())
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
}

/** A browser wallet (EIP-1193) whose key is a real one; it announces itself (EIP-6963) or is `window.ethereum`. */
async function installEthereumWallet(options: {
  accounts?: string[]
  declines?: boolean
  name?: string
}): Promise<void> {
  const name = options.name ?? 'Test Wallet'
  const binding = `sign${name.replace(/\W/g, '')}`
  await page.exposeFunction(binding, (message: string) => owner.signTypedData(JSON.parse(message)))
  const settings = { accounts: options.accounts ?? [owner.address.toLowerCase()], declines: options.declines === true }
  await page.addInitScript(`{
    const settings = ${JSON.stringify(settings)}
    const provider = {
      request: async ({ method, params }) => {
        if (method === 'eth_requestAccounts') return settings.accounts
        if (method !== 'eth_signTypedData_v4') throw new Error('not asked for: ' + method)
        if (settings.declines) throw Object.assign(new Error('User rejected the request.'), { code: 4001 })
        if (params[0] !== settings.accounts[0]) throw new Error('not my account')
        return await window.${binding}(params[1])
      },
    }
    const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', {
      detail: Object.freeze({ info: { uuid: '${name}', name: '${name}', icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>', rdns: 'test' }, provider }),
    }))
    if (${options.name === undefined}) window.ethereum = provider
    else window.addEventListener('eip6963:requestProvider', announce)
  }`)
}

const approve = () => page.getByRole('button', { name: /^Approve · 0.6 ETH$/ })

test('shows everything that the signature says yes to', async () => {
  await start({ usd: '1842.00' })
  await page.goto(daemon.approvalUrl)
  await page.getByText(/5\d:\d\d left$/).waitFor()
  const text = await page.locator('.sheet').innerText()
  const shown = text.replace(/[\s\u202f]+/g, ' ')
  for (const part of [
    '0.6 ETH',
    '600 000 000 000 000 000 base units',
    'about USD 1842.00',
    'evm-local',
    '0.000042 ETH',
    '42 000 000 000 000 base units',
    'now 10 ETH',
    'then, at least 9.399958 ETH',
    'agent demo',
    '0.6 ETH is above 0.5 ETH',
    'First payment to',
  ]) {
    expect(shown).toContain(part)
  }
  expect((await page.locator('.effect .address-groups').innerText()).replace(/\s/g, '')).toBe(RECIPIENT)
  expect(await page.locator('.code-value').innerText()).toMatch(/^[0-9A-F]{3}-[0-9A-F]{3}$/)
})

test('shows an amount as wallets do and before its multiplier, and what the issuer may do', async () => {
  const notes = ['The issuer may take the tokens of every holder (PermanentDelegate).']
  const share = {
    network: 'solana-local' as const,
    address: RECIPIENT,
    symbol: 'TSLAx',
    decimals: 8,
    multiplier: '10',
    notes,
  }
  await start({ effects: [{ kind: 'spend', asset: share, amount: 10_000_000n, to: RECIPIENT }] })
  await page.goto(daemon.approvalUrl)
  await page.getByText(/5\d:\d\d left$/).waitFor()
  const shown = (await page.locator('.sheet').innerText()).replace(/[\s\u202f]+/g, ' ')
  for (const part of ['1 TSLAx', '10 000 000 base units', '0.1 before the multiplier 10', notes[0]!]) {
    expect(shown).toContain(part)
  }
})

test.each([undefined, 'Announced Wallet'])('approves with a browser wallet (%s)', async (name) => {
  await installEthereumWallet(name === undefined ? {} : { name })
  await page.goto(daemon.approvalUrl)
  await approve().click()
  await page.getByRole('heading', { name: 'On its way' }).waitFor()
  const [answer] = daemon.answers
  expect(answer?.action).toBe('approve')
  const typedData = JSON.parse(answer?.message ?? '')
  expect(typedData.message.action).toBe('Approve payment')
  const signer = await recoverTypedDataAddress({ ...typedData, signature: answer?.signature as Hex })
  expect([signer, answer?.address]).toEqual([owner.address, owner.address])
  daemon.setStatus('SUBMITTED', `0x${'9f'.repeat(32)}`)
  await page.getByText('has not confirmed it yet').waitFor()
  daemon.setStatus('CONFIRMED', `0x${'9f'.repeat(32)}`)
  await page.getByRole('heading', { name: 'Paid' }).waitFor()
  await page.getByText(`0x${'9f'.repeat(32)}`).waitFor()
})

test('rejects with a signature of its own', async () => {
  await installEthereumWallet({})
  await page.goto(daemon.approvalUrl)
  await page.getByRole('button', { name: 'Reject' }).click()
  await page.getByText('You rejected.').waitFor()
  const [answer] = daemon.answers
  expect(answer?.action).toBe('reject')
  expect(JSON.parse(answer?.message ?? '').message.action).toBe('Reject payment')
})

test('another account: says which one is needed and sends nothing', async () => {
  const stranger = '0x90f79bf6eb2c4f870365e785982e1f101e93b906'
  await installEthereumWallet({ accounts: [stranger] })
  await page.goto(daemon.approvalUrl)
  await approve().click()
  const alert = page.getByRole('alert')
  await alert.getByText(stranger).waitFor()
  await alert.getByText(owner.address).waitFor()
  expect(daemon.answers).toEqual([])
  await approve().waitFor()
})

test('declined in the wallet: nothing is sent and it can be tried again', async () => {
  await installEthereumWallet({ declines: true })
  await page.goto(daemon.approvalUrl)
  await approve().click()
  await page.getByRole('alert').getByText('You declined').waitFor()
  expect(daemon.answers).toEqual([])
  await approve().waitFor()
})

test('without a wallet says what is needed', async () => {
  await page.goto(daemon.approvalUrl)
  const alert = page.getByRole('alert')
  await alert.getByText('No wallet found in this browser').waitFor()
  expect((await alert.locator('.address-groups').innerText()).replace(/\s/g, '')).toBe(owner.address)
})

test('several wallets: the owner chooses', async () => {
  await installEthereumWallet({ name: 'First', declines: true })
  await installEthereumWallet({ name: 'Second' })
  await page.goto(daemon.approvalUrl)
  await page.getByRole('radio', { name: 'Second' }).check()
  await approve().click()
  await page.getByText('You approved.').waitFor()
})

test("the demo owner's wallet is called play money", async () => {
  const demoOwnerUrl = 'http://127.0.0.1:9'
  await start({ demoOwnerUrl })
  await page.route(`${demoOwnerUrl}/sign`, async (route) => {
    const headers = { 'access-control-allow-origin': daemon.url, 'access-control-allow-headers': 'content-type' }
    if (route.request().method() === 'OPTIONS') return route.fulfill({ status: 204, headers })
    const { message } = route.request().postDataJSON() as { message: string }
    const signature = await owner.signTypedData(JSON.parse(message))
    return route.fulfill({ status: 200, headers, json: { signature, address: owner.address } })
  })
  await page.goto(daemon.approvalUrl)
  await page.getByText('This is play money.').waitFor()
  await approve().click()
  await page.getByText('You approved.').waitFor()
  expect(daemon.answers).toHaveLength(1)
})

test('a Solana owner signs the sign-in text with a Wallet Standard wallet', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const address = base58(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
  const sol = { network: 'solana-local' as const, symbol: 'SOL', decimals: 9 }
  const to = '9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin'
  await start({
    owner: { scheme: 'solana', address },
    effects: [{ kind: 'spend', asset: sol, amount: 600_000_000n, to }],
    network: 'solana-local',
    from: '4uhcVJyU9pJkvQyS88uRDiswHXSGkY3z4uhcVJyU9pJk',
  })
  await page.exposeFunction('signSolana', (bytes: number[]) => [...signBytes(null, Buffer.from(bytes), privateKey)])
  await page.addInitScript(`{
    const account = { address: '${address}' }
    const wallet = {
      name: 'Sun Wallet', icon: 'data:image/png;base64,', chains: [], accounts: [],
      features: {
        'standard:connect': { connect: async () => ({ accounts: [account] }) },
        'solana:signMessage': {
          signMessage: async ({ message }) =>
            [{ signedMessage: message, signature: new Uint8Array(await window.signSolana([...message])) }],
        },
      },
    }
    const register = (api) => api.register(wallet)
    window.addEventListener('wallet-standard:app-ready', ({ detail }) => register(detail))
  }`)
  await page.goto(daemon.approvalUrl)
  await page.getByRole('button', { name: 'Approve · 0.6 SOL' }).click()
  await page.getByText('You approved.').waitFor()
  const [answer] = daemon.answers
  expect(answer?.message).toContain('wants you to sign in with your Solana account')
  const signature = Buffer.from(answer?.signature ?? '', 'base64')
  expect(verifyBytes(null, Buffer.from(answer?.message ?? ''), publicKey, signature)).toBe(true)
})

test('a message that says other than the page is never signed', async () => {
  await installEthereumWallet({})
  const other = '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65'
  daemon.lie({
    effects: [{ kind: 'spend', asset: ether, amount: '600000000000000000', humanAmount: '0.6', to: other }],
  })
  await page.goto(daemon.approvalUrl)
  await approve().click()
  await page.getByRole('alert').getByText('Not signed: the message names another recipient').waitFor()
  expect(daemon.answers).toEqual([])
})

test('a payment that changes under the page is shown again before anybody signs', async () => {
  await installEthereumWallet({})
  daemon.setSeconds(60)
  await page.goto(daemon.approvalUrl)
  await approve().waitFor()
  daemon.change({ effects: [{ ...payment, amount: 700_000_000_000_000_000n }], expiresAt: nowPlus(900) })
  await page.getByRole('button', { name: 'Reject' }).click()
  await page.getByText('This payment changed while the page was open.').waitFor()
  await page.getByRole('button', { name: 'Approve · 0.7 ETH' }).waitFor()
  expect(daemon.answers).toEqual([])
})

test('a refused answer says why and can be given again', async () => {
  await installEthereumWallet({})
  daemon.refuseNext('INVALID_NONCE', 'This message has expired.')
  await page.goto(daemon.approvalUrl)
  await approve().click()
  await page.getByRole('alert').getByText('This message has expired.').waitFor()
  await approve().click()
  await page.getByText('You approved.').waitFor()
})

test.each([
  ['CONFIRMED', 'Paid'],
  ['CANCELLED', 'Not paid'],
  ['FAILED', 'Failed'],
  ['EXPIRED', 'The time to decide is over'],
] as const)('a payment that is over (%s) says so', async (status, words) => {
  daemon.setStatus(status)
  await page.goto(daemon.approvalUrl)
  await page.getByRole('heading', { name: words }).waitFor()
  await expect.poll(() => page.getByRole('button', { name: /approve|reject/i }).count()).toBe(0)
})

test('the countdown ends the choice', async () => {
  await installEthereumWallet({})
  daemon.setSeconds(2)
  await page.goto(daemon.approvalUrl)
  await page.getByText('The time to decide is over. Nothing was paid.').waitFor()
  await expect.poll(() => page.getByRole('button', { name: /approve/i }).count()).toBe(0)
})

test('a broken link, an unknown payment and a daemon that is down are told apart', async () => {
  await page.goto(`${daemon.url}/approve/nonsense`)
  await page.getByRole('heading', { name: 'This link is not complete' }).waitFor()
  await page.goto(`${daemon.url}/approve/00000000-0000-4000-8000-000000000000`)
  await page.getByRole('heading', { name: 'There is no such payment' }).waitFor()
  await page.route('**/v1/owner/challenges', (route) => route.abort())
  await page.goto(daemon.approvalUrl)
  await page.getByRole('heading', { name: 'The wallet does not answer' }).waitFor()
})

test('script and style together are at most 80 KB, compressed; nothing is inline', async () => {
  const files = await readdir(folder, { recursive: true })
  const compressed = files.filter((name) => /\.(js|css)\.br$/.test(name))
  const sizes = await Promise.all(compressed.map(async (name) => (await readFile(join(folder, name))).length))
  expect(sizes.length).toBeGreaterThanOrEqual(2)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(80_000)
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/)
})

// PICTURES names a folder for somebody who wants to look at them.
test('every state fits a phone and a screen, light and dark', async () => {
  const twin = { ...payment, to: '0x7099aaaaC51812dc3A010C7d01b50e0d17dc79C8' }
  const lookAlike: Reason = {
    rule: 'COUNTERPARTY',
    effect: 0,
    tier: 'APPROVAL',
    message: `${twin.to} looks like ${RECIPIENT}, which was paid before, but is another address.`,
  }
  for (const scheme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1280, 1120],
    ] as const) {
      const shoot = async (name: string) => {
        const path = join(process.env.PICTURES ?? folder, `sign-${name}-${width}-${scheme}.png`)
        await page.screenshot({ path, fullPage: width === 360 })
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
        expect(await page.evaluate(overflow)).toBe(0)
      }
      await start({ usd: '1842.00' })
      await openContext({ width, height, scheme })
      await installEthereumWallet({ name: 'First Wallet' })
      await installEthereumWallet({ name: 'Second Wallet' })
      await page.goto(daemon.approvalUrl)
      await approve().waitFor()
      await shoot('asking')
      await approve().click()
      await page.getByText('You approved.').waitFor()
      daemon.setStatus('CONFIRMED', `0x${'9f3c'.repeat(16)}`)
      await page.getByRole('heading', { name: 'Paid' }).waitFor()
      await shoot('paid')
      await start({ effects: [twin], reasons: [lookAlike, ...reasons.slice(1)], demoOwnerUrl: 'http://127.0.0.1:9' })
      await openContext({ width, height, scheme })
      await page.goto(daemon.approvalUrl)
      await page.getByText('This is play money.').waitFor()
      await approve().waitFor()
      await shoot('demo')
    }
  }
})

function nowPlus(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}

/** Bitcoin's base 58, as Solana writes keys. */
function base58(bytes: Uint8Array): string {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; value > 0n; value /= 58n) text = alphabet[Number(value % 58n)] + text
  return alphabet[0]?.repeat(bytes.findIndex((byte) => byte !== 0)) + text
}
