import {
  describePolicyChange,
  type PolicyChallengeView,
  type PolicyChangeContent,
  policyChangeMessage,
  policyChangeView,
} from '@waiaas/core'
import type { Page } from 'playwright-core'
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { findPolicyContradiction } from './check-message.ts'
import { startTestDaemon, type TestDaemon } from './daemon.fixture.ts'
import { addWallet, type BuiltPages, buildPages } from './pages.fixture.ts'

const owner = privateKeyToAccount(`0x${'22'.repeat(32)}`)
const agent = { id: '01890000-0000-7000-8000-00000000000a', name: 'demo' }
const id = '01890000-0000-7000-8000-00000000000b'
const row = { agentId: agent.id, network: null, type: 'SPENDING_LIMIT', priority: 0, enabled: true }
const rules = { instant_max: '5000000000000000000' }
const content: PolicyChangeContent = {
  change: { kind: 'update', id, change: { rules } },
  agents: [agent],
  policyVersion: 7,
  lines: describePolicyChange(
    { ...row, rules: { instant_max: '1000000000000000000' } },
    { ...row, rules },
    () => 'demo "the \u202e first"',
  ),
}

let pages: BuiltPages
let daemon: TestDaemon
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  pages = await buildPages()
})
afterAll(() => pages?.close())
beforeEach(async () => {
  daemon = await startTestDaemon({
    folder: pages.folder,
    owner: { scheme: 'eip712', address: owner.address },
    effects: [],
    network: 'evm-local',
    from: owner.address,
    reasons: [],
    policyChange: content,
  })
  page = await (await pages.browser.newContext()).newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 404/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await addWallet(page, owner)
})
afterEach(async () => {
  await page.context().close()
  await daemon.close()
  expect(complaints.splice(0)).toEqual([])
})

const linkTo = (proposal: unknown) =>
  `${daemon.url}/approve/policy#${Buffer.from(JSON.stringify(proposal)).toString('base64url')}`
const link = () => linkTo({ resourceId: agent.id, change: content.change })
const signButton = () => page.getByRole('button', { name: 'Sign: let it be loosened' })

test('shows what is loosened in words, and gives the owner a signature over them', async () => {
  await page.goto(link())
  await page
    .getByRole('listitem')
    .getByText('instant_max: 5000000000000000000 base units (5 ETH or 5000000000 SOL) instead of')
    .waitFor()
  await page.locator('.effect').getByText('Change SPENDING_LIMIT for agent demo "the').waitFor()
  await page.getByText('version 7').waitFor()
  expect(await page.locator('.code-value').innerText()).toBe(policyChangeView(content).shortCode)
  await signButton().click()
  await page.getByRole('heading', { name: 'Signed' }).waitFor()
  const given = await page.locator('.hash code').innerText()
  const { address, message, signature } = JSON.parse(Buffer.from(given, 'base64url').toString('utf8'))
  const typedData = JSON.parse(message)
  expect(typedData.message.change).toEqual(content.lines)
  expect([address, await recoverTypedDataAddress({ ...typedData, signature })]).toEqual([owner.address, owner.address])
})

test('signs nothing that says something else than the page', async () => {
  daemon.lieOfPolicy({ lines: [content.lines[0]!, 'instant_max: 2 base units instead of 1 base units'] })
  await page.goto(link())
  await signButton().click()
  await page.getByRole('alert').getByText('Not signed: the message says another change').waitFor()
  expect(await page.locator('.hash code').count()).toBe(0)
})

test('a link that is cut off, and a change that needs nobody', async () => {
  await page.goto(`${daemon.url}/approve/policy#eyJyZXNv`)
  await page.getByRole('heading', { name: 'This link is not complete' }).waitFor()
  await page.goto('about:blank')
  await page.goto(linkTo({ resourceId: id, change: content.change }))
  await page.getByRole('heading', { name: 'There is nothing to sign' }).waitFor()
})

test('a message for a Solana owner is compared as well', () => {
  const question = {
    owner: { address: '4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T', family: 'solana' as const },
    domain: '127.0.0.1:3100',
    issuedAt: 1_800_000_000,
    expiresAt: 1_800_000_300,
    nonce: '0123456789abcdef',
  }
  const challenge: PolicyChallengeView = {
    id,
    action: 'policy_change',
    message: policyChangeMessage(content, question),
    scheme: 'solana',
    ownerAddress: question.owner.address,
    expiresAt: question.expiresAt,
    policyChange: policyChangeView(content),
  }
  const shown = (change: Partial<PolicyChallengeView['policyChange']>) =>
    findPolicyContradiction({ ...challenge, policyChange: { ...challenge.policyChange, ...change } })
  expect(shown({})).toBeUndefined()
  expect(shown({ lines: content.lines.slice(0, 1) })).toBe('the message says another change')
  expect(shown({ agents: [{ id, name: 'demo' }] })).toBe('the message is about another agent')
  expect(shown({ shortCode: 'ABC-DEF' })).toBe('the message has another code')
  expect(findPolicyContradiction({ ...challenge, message: 'sign in' })).toBe('the message has another form')
})
