import { join } from 'node:path'
import type { Notice, NoticeCode } from '@waiaas/core'
import type { Page } from 'playwright-core'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type ProgressDetails, startTestDaemon, type TestDaemon } from './daemon.fixture.ts'
import { addWallet, type BuiltPages, buildPages } from './pages.fixture.ts'

const owner = privateKeyToAccount(`0x${'33'.repeat(32)}`)
const hash = `0x${'9f3c'.repeat(16)}`
const SINCE = Math.floor(Date.now() / 1000) - 60
const ether = { network: 'evm-local' as const, symbol: 'ETH', decimals: 18 }
const payment = {
  kind: 'spend' as const,
  asset: ether,
  amount: 600_000_000_000_000_000n,
  to: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
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
    effects: [payment],
    network: 'evm-local',
    from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    reasons: [],
  })
  await openPage(1280, 900, 'light')
})
afterEach(async () => {
  await page.context().close()
  await daemon.close()
  expect(complaints.splice(0)).toEqual([])
})

async function openPage(width: number, height: number, colorScheme: 'light' | 'dark'): Promise<void> {
  await page?.context().close()
  page = await (await pages.browser.newContext({ viewport: { width, height }, colorScheme })).newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  await addWallet(page, owner)
}

function notice(code: NoticeCode, more: Partial<Notice> = {}): { notice: Notice } {
  const usual = { message: `Message of ${code}.`, waitsFor: `end of ${code}`, usually: `time of ${code}` }
  return { notice: { code, since: SINCE, ...usual, ...more } }
}

/** What the page said before it distinguished these states. */
const SIGNING = /is signing/
const HAS_IT = /the network has (the payment|confirmed)/i
const PAID = /(^|\s)paid\n|has confirmed the payment/i
const UNPAID = /nothing was (paid|sent)|not paid|did not take effect/i

type State = {
  name: string
  progress: ProgressDetails
  title: string
  says: readonly (string | RegExp)[]
  never: readonly RegExp[]
}

const out = { status: 'SUBMITTED', hash } as const
const closing = { ...out, closing: true } as const
const closings: readonly [NoticeCode, RegExp][] = [
  ['CLOSING', /It was given up/],
  ['FEE_CEILING', /a higher fee/],
  ['CLOSER_NEEDS_FUNDS', /has too little for it/],
  ['FINALITY_UNAVAILABLE', /settled for good/],
  ['HISTORY_UNAVAILABLE', /the records/],
  ['RECEIPT_UNAVAILABLE', /whether it worked/],
  ['NOT_ACCEPTED', /none of the servers/],
  ['ACCOUNT_HELD', /until the operator/],
  ['WAITS_BEHIND', /An earlier payment/],
]
const troubles: readonly [NoticeCode, RegExp][] = [
  ['NOT_MINED', /longer than usual[\s\S]*It may be paid, or not[\s\S]*a second payment/],
  ['FEE_CEILING', /a higher fee/],
  ['FINALITY_UNAVAILABLE', /settled for good/],
  ['HISTORY_UNAVAILABLE', /the records/],
  ['RECEIPT_UNAVAILABLE', /It may be paid, or not/],
  ['WAITS_BEHIND', /An earlier payment/],
]

const states: readonly State[] = [
  {
    name: 'PENDING',
    progress: { status: 'PENDING' },
    title: 'Being checked',
    says: ['has not decided', 'Nothing was paid'],
    never: [HAS_IT, SIGNING],
  },
  {
    name: 'QUEUED until a time',
    progress: { status: 'QUEUED', executesAt: SINCE + 3_600 },
    title: 'Waiting',
    says: [/paid after .*\d\d:\d\d/, 'can cancel it'],
    never: [HAS_IT, /waits for its owner/],
  },
  {
    name: 'EXECUTING',
    progress: { status: 'EXECUTING' },
    title: 'On its way',
    says: ['signs it next', 'Nothing was paid yet'],
    never: [HAS_IT],
  },
  {
    name: 'EXECUTING on a held account',
    progress: { status: 'EXECUTING', ...notice('ACCOUNT_HELD') },
    title: 'On hold',
    says: ['until the operator of this wallet has checked it', 'Nothing was paid yet'],
    never: [SIGNING, HAS_IT, /on its way/i, /signs it next/],
  },
  {
    name: 'EXECUTING behind another payment',
    progress: { status: 'EXECUTING', ...notice('WAITS_BEHIND') },
    title: 'Waiting its turn',
    says: ['an earlier one of the same account', 'Nothing was paid yet'],
    never: [SIGNING, HAS_IT, /signs it next/],
  },
  {
    name: 'EXECUTING on a network that is too dear',
    progress: { status: 'EXECUTING', ...notice('FEE_CEILING') },
    title: 'Not paid yet',
    says: ['not signed yet', 'a higher fee'],
    never: [SIGNING, HAS_IT, /on its way/i, /signs it next/],
  },
  {
    name: 'EXECUTING while nothing responds',
    progress: { status: 'EXECUTING', ...notice('NOT_SIGNED') },
    title: 'Not paid yet',
    says: ['cannot sign it at the moment', 'Nothing was paid yet'],
    never: [SIGNING, HAS_IT, /on its way/i, /signs it next/],
  },
  {
    name: 'SIGNED',
    progress: { status: 'SIGNED', hash },
    title: 'On its way',
    says: ['is signed and is sent to the network next'],
    never: [HAS_IT, UNPAID],
  },
  {
    name: 'SIGNED for a program that sends it',
    progress: { status: 'SIGNED', type: 'SIGN', hash },
    title: 'Signed',
    says: ['sends it to the network, or does not'],
    never: [HAS_IT, UNPAID, /on its way/i, /sent to the network next/],
  },
  {
    name: 'SUBMITTED and accepted',
    progress: out,
    title: 'On its way',
    says: ['The network has the payment and has not confirmed it yet.'],
    never: [UNPAID, PAID],
  },
  ...troubles.map(([code, says]) => ({
    name: `SUBMITTED and accepted, ${code}`,
    progress: { ...out, ...notice(code) },
    title: 'Not confirmed yet',
    says: [says],
    never: [UNPAID, PAID, /on its way/i],
  })),
  {
    name: 'SUBMITTED, and every node refuses',
    progress: { ...out, outcomeUnknown: true, ...notice('NOT_ACCEPTED', { nodeWords: 'server is busy' }) },
    title: 'Not known yet',
    says: ['It may be paid, or not', 'none of the servers', 'a second payment', 'server is busy'],
    never: [HAS_IT, /on its way/i, UNPAID],
  },
  {
    name: 'SUBMITTED with an unknown outcome, without a notice',
    progress: { ...out, outcomeUnknown: true },
    title: 'Not known yet',
    says: ['It may be paid, or not'],
    never: [HAS_IT, /on its way/i, UNPAID],
  },
  {
    name: 'SUBMITTED with an unknown outcome, too dear',
    progress: { ...out, outcomeUnknown: true, ...notice('FEE_CEILING') },
    title: 'Not known yet',
    says: ['It may be paid, or not', 'a higher fee'],
    never: [HAS_IT, /on its way/i, UNPAID],
  },
  {
    name: 'SUBMITTED and being cancelled',
    progress: { ...closing, ...notice('CANCELLING') },
    title: 'Being cancelled',
    says: ['it may still be paid', 'it is paid, or it ends unpaid for good'],
    never: [HAS_IT, /on its way/i, UNPAID],
  },
  ...closings.map(([code, says]) => ({
    name: `SUBMITTED and closing, ${code}`,
    progress: { ...closing, outcomeUnknown: code === 'NOT_ACCEPTED', ...notice(code) },
    title: 'Given up, not over yet',
    says: [says, 'may still be paid', 'it is paid, or it ends unpaid for good'],
    never: [HAS_IT, /on its way/i, UNPAID],
  })),
  {
    name: 'SIGNED and closing, without a notice',
    progress: { ...closing, status: 'SIGNED' },
    title: 'Given up, not over yet',
    says: ['after it was signed', 'may still be paid'],
    never: [HAS_IT, /on its way/i, UNPAID],
  },
  {
    name: 'CONFIRMED',
    progress: { status: 'CONFIRMED', hash, fee: '21000000000000' },
    title: 'Paid',
    says: ['The network has confirmed the payment.'],
    never: [UNPAID, /recorded/i],
  },
  {
    name: 'CONFIRMED by the word of the operator',
    progress: { status: 'CONFIRMED', hash, fee: '42000000000000', ...notice('WRITTEN_OFF') },
    title: 'Recorded as paid',
    says: ['The network has not shown that it was', 'ended this payment by hand', 'Message of WRITTEN_OFF.'],
    never: [/confirmed/i, /waits for/i],
  },
  {
    name: 'FAILED before it was signed',
    progress: { status: 'FAILED', error: { code: 'INSUFFICIENT_BALANCE', message: 'It lacks 2 ETH.' } },
    title: 'Failed',
    says: ['did not take effect', 'Nothing was paid, and no fee.', 'It lacks 2 ETH.'],
    never: [HAS_IT, /fee was/],
  },
  {
    name: 'FAILED in a block',
    progress: { status: 'FAILED', hash, fee: '21000000000000', humanFee: '0.000021', feeSymbol: 'ETH' },
    title: 'Failed',
    says: ['did not take effect', 'The network fee was 0.000021 ETH; the amount itself was not paid.'],
    never: [/nothing was paid/i, /no fee/],
  },
  {
    name: 'FAILED by the word of the operator',
    progress: {
      status: 'FAILED',
      hash,
      error: { code: 'CHAIN_ERROR', message: 'The operator wrote it off as unpaid.' },
      ...notice('WRITTEN_OFF'),
    },
    title: 'Recorded as not paid',
    says: ['it may be paid all the same', 'Message of WRITTEN_OFF.'],
    never: [/did not take effect/, /nothing was paid/i, /no fee/, /waits for/i],
  },
  {
    name: 'FAILED, and found paid',
    progress: {
      status: 'FAILED',
      hash,
      error: { code: 'CHAIN_ERROR', message: 'The operator wrote it off as unpaid.' },
      ...notice('FOUND_PAID'),
    },
    title: 'Paid after all',
    says: ['the money has left the account', 'Do not pay it again', 'Message of FOUND_PAID.', 'end of FOUND_PAID'],
    never: [/did not take effect/, /nothing was/i, /no fee/, /wrote it off/],
  },
  {
    name: 'CANCELLED, and found paid',
    progress: { status: 'CANCELLED', hash, fee: '0', ...notice('FOUND_PAID') },
    title: 'Paid after all',
    says: ['the money has left the account'],
    never: [/can no longer be paid/, /nothing was/i, /no fee/],
  },
  {
    name: 'CANCELLED before it was sent',
    progress: { status: 'CANCELLED', error: { code: 'POLICY_DENIED', message: 'The limit of the day is reached.' } },
    title: 'Not paid',
    says: ['It was rejected or cancelled.', 'Nothing was paid.', 'The limit of the day is reached.'],
    never: [/fee/, /Cancellation/],
  },
  {
    name: 'CANCELLED by what took its number, for a fee',
    progress: { status: 'CANCELLED', hash, fee: '21000000000000', humanFee: '0.000021', feeSymbol: 'ETH' },
    title: 'Not paid',
    says: ['cancelled after it was sent', 'The network fee was 0.000021 ETH', /Cancellation\s+0x9f3c/],
    never: [/nothing was/i, /Transaction\s+0x9f3c/],
  },
  {
    name: 'CANCELLED after it was sent, for no fee',
    progress: { status: 'CANCELLED', hash, fee: '0' },
    title: 'Not paid',
    says: ['can no longer be paid', 'It cost no fee', /Cancelled transaction\s+0x9f3c/],
    never: [/nothing was sent/i, /fee was/],
  },
]

test.each(states)('$name: says what is so', async ({ progress, title, says, never }) => {
  daemon.setProgress(progress)
  await page.goto(daemon.approvalUrl)
  await page.getByRole('heading', { name: title, exact: true }).waitFor()
  const shown = await page.locator('.outcome').innerText()
  for (const words of says) expect(shown).toMatch(words)
  for (const words of never) expect(shown).not.toMatch(words)
  if (progress.notice !== undefined) expect(shown).toContain(progress.notice.message)
  if (progress.notice !== undefined && progress.notice.code !== 'WRITTEN_OFF') {
    for (const part of [progress.notice.waitsFor, progress.notice.usually]) expect(shown).toContain(part)
  }
})

test.each([
  ['EXECUTING', undefined, 'Not paid yet', [SIGNING, /on its way/i, /signs it next/]],
  ['SIGNED', hash, 'Signed', [/on its way/i, UNPAID, /is sent/]],
  ['SUBMITTED', hash, 'Not confirmed yet', [/the network has the/i, /on its way/i, UNPAID]],
  ['CONFIRMED', hash, 'Recorded as paid', [/network has confirmed/]],
  ['FAILED', hash, 'Recorded as failed', [/did not take effect/, /fee/]],
  ['CANCELLED', hash, 'Not paid', [/nothing was/i]],
] as const)('%s of a daemon that says little: claims no more than that', async (status, itsHash, title, never) => {
  daemon.setStatus(status, itsHash)
  await page.goto(daemon.approvalUrl)
  await page.getByRole('heading', { name: title, exact: true }).waitFor()
  const shown = await page.locator('.outcome').innerText()
  for (const words of never) expect(shown).not.toMatch(words)
})

const approve = () => page.getByRole('button', { name: /^Approve/ }).click()

test('a payment that needs the owner once more asks again', async () => {
  await page.goto(daemon.approvalUrl)
  await approve()
  await page.getByText('You approved.').waitFor()
  daemon.setStatus('QUEUED')
  await page.getByRole('alert').getByText('This payment needs your decision once more.').waitFor()
  await approve()
  await page.getByText('You approved.').waitFor()
  expect(daemon.answers).toHaveLength(2)
})

test('an approval that the daemon refuses is not called one, and the reason stays', async () => {
  await page.goto(daemon.approvalUrl)
  daemon.endWith('SPENDING_LIMIT_EXCEEDED', 'The limit of the day is reached.')
  await approve()
  await page.getByRole('heading', { name: 'Not paid' }).waitFor()
  const shown = await page.locator('.outcome').innerText()
  expect(shown).toContain('Your answer did not count: The limit of the day is reached.')
  expect(shown).not.toContain('You approved')
})

test('says since when it has had no news of the payment', async () => {
  daemon.setProgress(out)
  await page.goto(daemon.approvalUrl)
  await page.getByRole('heading', { name: 'On its way' }).waitFor()
  await page.route('**/v1/owner/challenges', (route) => route.abort())
  await page.getByText(/The wallet does not answer\. This is how it was at \d\d:\d\d\./).waitFor()
  await page.unroute('**/v1/owner/challenges')
  await expect.poll(() => page.getByText('The wallet does not answer.').count(), { timeout: 10_000 }).toBe(0)
})

// PICTURES names a folder for somebody who wants to look at them.
test('what is said after the decision fits a phone and a screen, light and dark', async () => {
  const message =
    'A replacement has to offer 31000000000 wei per gas, and the fee that was allowed pays for 20000000000.'
  const command = `waiaas tx cancel ${daemon.transactionId} --max-fee 651000000000000`
  const looks: Record<string, ProgressDetails> = {
    delayed: { status: 'QUEUED', executesAt: SINCE + 3_600 },
    held: {
      status: 'EXECUTING',
      ...notice('ACCOUNT_HELD', {
        message: 'Its number 7 was used while this daemon was not running.',
        waitsFor: 'the operator; see waiaas account list',
        usually: 'until it is released',
      }),
    },
    unknown: {
      ...out,
      outcomeUnknown: true,
      ...notice('NOT_ACCEPTED', {
        message: 'It was handed over, and no node has said that it took it. The same bytes are sent again.',
        waitsFor: 'a node that takes it',
        usually: 'seconds; after ten minutes it is given up',
        nodeWords: `already known: ${'0123456789abcdef'.repeat(6)}`,
      }),
    },
    closing: {
      ...closing,
      ...notice('FEE_CEILING', {
        message: `${message} To allow it: ${command}`,
        waitsFor: 'a cheaper network, or a cancellation with a higher fee',
        usually: 'as long as the network is dear',
      }),
    },
    cancelled: { status: 'CANCELLED', hash, fee: '21000000000000', humanFee: '0.000021', feeSymbol: 'ETH' },
    'written-off': {
      status: 'CONFIRMED',
      hash,
      ...notice('WRITTEN_OFF', { message: 'The operator wrote it off as paid. No proof says what became of it.' }),
    },
    'found-paid': {
      status: 'FAILED',
      hash,
      ...notice('FOUND_PAID', {
        message: `${hash} was written off as unpaid, and is in a block for good.`,
        waitsFor: 'the operator; see waiaas account list',
        usually: 'until it is released',
      }),
    },
  }
  for (const [width, height, scheme] of [
    [360, 740, 'light'],
    [1280, 860, 'dark'],
  ] as const) {
    await openPage(width, height, scheme)
    for (const [name, progress] of Object.entries(looks)) {
      daemon.setProgress(progress)
      await page.goto(daemon.approvalUrl)
      await page.locator('.outcome').waitFor()
      const path = join(process.env.PICTURES ?? pages.folder, `outcome-${name}-${width}-${scheme}.png`)
      await page.screenshot({ path, fullPage: true })
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow), name).toBe(0)
    }
  }
})
