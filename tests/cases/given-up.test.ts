import { type EvmAct, evmPersonalities, type NodeProxy, startEvmProxy } from '@waiaas/devnet'
import { beforeEach, expect, test } from 'vitest'
import { askNode, type CaseWallet, eventually, type Payer, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, hex, payAndBringBackDead, startEvmTruth } from './evm-truth.ts'

const PAID = ETH / 100n
const GWEI = 10n ** 9n

let truth: EvmTruth
let node: NodeProxy<EvmAct>
let wallet: CaseWallet
beforeEach(async () => {
  truth = await startEvmTruth()
  node = await startEvmProxy({ upstream: truth.rpcUrl, personality: evmPersonalities.geth })
  wallet = await startCaseWallet(truth, [node.rpcUrl])
  return async () => {
    await wallet.close()
    await node.stop()
    await truth.stop()
  }
})

const operate = (id: string, act: string, body?: unknown) =>
  wallet.http.operate<Record<string, unknown>>('POST', `/v1/transactions/${id}/${act}`, body)
const refused = { situation: 'poolFull' } as const
const attemptsFor = async (id: string, purpose: string) =>
  (await wallet.attempts(id)).filter((attempt) => attempt.purpose === purpose)

/** A payment that no node has taken, and one behind it that is allowed and not signed. */
async function oneThatWaits(payer: Payer) {
  await node.control.act({ kind: 'nextSend', effect: 'drop', answer: refused, times: 'always' })
  const first = await wallet.pay(payer, PAID)
  await wallet.until(first.id, { status: 'SUBMITTED', outcomeUnknown: true })
  const second = await wallet.pay(payer, PAID)
  await wallet.until(second.id, { status: 'EXECUTING', notice: { code: 'WAITS_BEHIND' } })
  expect(await wallet.attempts(second.id)).toEqual([])
  return { first, second }
}

async function untilReleased() {
  await wallet.http.operate('POST', '/v1/admin/recover')
  wallet.http.clock.advance(86_401)
  await eventually(() => wallet.http.operate('GET', '/v1/admin/kill-switch')).toMatchObject({ state: 'NORMAL' })
}

const statusOf = async (id: string) =>
  (await wallet.http.db.selectFrom('transactions').select('status').where('id', '=', id).executeTakeFirst())?.status

test('the kill switch ends what is allowed and not signed: it does not go out when the stop is over', async () => {
  const { second } = await oneThatWaits(await wallet.payer())
  await wallet.http.operate('POST', '/v1/admin/kill-switch')
  expect(await statusOf(second.id)).toBe('CANCELLED')
  await node.control.act({ kind: 'heal' })
  await untilReleased()
  await wallet.passTime(second.id, 1200, { status: 'CANCELLED', error: { code: 'SYSTEM_LOCKED' } })
  expect(await truth.balance(second.to)).toBe(0n)
})

// MetaMask/metamask-extension#6004
test('what is allowed and not signed can be cancelled', async () => {
  const payer = await wallet.payer()
  const { second } = await oneThatWaits(payer)
  expect(await operate(second.id, 'cancel')).toMatchObject({ status: 'CANCELLED' })
  await node.control.act({ kind: 'heal' })
  const third = await wallet.pay(payer, PAID)
  await wallet.passTime(third.id, 900, { status: 'CONFIRMED' })
  expect(await truth.balance(second.to)).toBe(0n)
})

test('a policy that became stricter holds for what is allowed and not signed', async () => {
  const payer = await wallet.payer()
  const { second } = await oneThatWaits(payer)
  const rules = { allowed_addresses: [truth.newAddress()] }
  await wallet.http.operate('POST', '/v1/policies', { agentId: payer.id, type: 'WHITELIST', rules })
  await node.control.act({ kind: 'heal' })
  await wallet.passTime(second.id, 900, { status: 'FAILED', error: { code: 'WHITELIST_DENIED' } })
  expect(await truth.balance(second.to)).toBe(0n)
})

test('a payment that no node took is continued, sent at once, and waited for as long as at first', async () => {
  const payer = await wallet.payer()
  await node.control.act({ kind: 'nextSend', effect: 'drop', answer: refused, times: 'always' })
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  await wallet.passTime(sent.id, 660, { status: 'SUBMITTED', closing: true, notice: { code: 'CLOSING' } })
  await operate(sent.id, 'continue')
  await wallet.passTime(sent.id, 300, { status: 'SUBMITTED', closing: false })
  await node.control.act({ kind: 'heal' })
  // Refused bytes are sent again every five minutes in the end.
  await wallet.passTime(sent.id, 360, { status: 'CONFIRMED' })
  expect(await truth.balance(sent.to)).toBe(PAID)
})

test('a payment that the daemon gave up is cancelled: that is done at once, and is what it ends as', async () => {
  const payer = await wallet.payer()
  await node.control.act({ kind: 'nextSend', effect: 'drop', answer: refused, times: 'always' })
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  await wallet.passTime(sent.id, 660, { status: 'SUBMITTED', closing: true })
  expect(await attemptsFor(sent.id, 'CANCEL')).toEqual([])
  await node.control.act({ kind: 'heal' })
  expect(await operate(sent.id, 'cancel')).toMatchObject({ closing: true, notice: { code: 'CANCELLING' } })
  await wallet.until(sent.id, { status: 'CANCELLED' })
  expect(await truth.balance(sent.to)).toBe(0n)
})

// MetaMask/metamask-extension#5824, tablelandnetwork/go-tableland#405
test('no more than is needed is signed while no block comes, and as much as is needed when the network is dear', async () => {
  const payer = await wallet.payer(50n)
  await truth.pauseMining()
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
  await operate(sent.id, 'cancel')
  await wallet.passTime(sent.id, 900, { status: 'SUBMITTED', notice: { code: 'CANCELLING' } })
  expect(await attemptsFor(sent.id, 'CANCEL')).toHaveLength(1)
  await askNode(truth.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', hex(50_000n * GWEI))
  await truth.mine(1)
  await wallet.passTime(sent.id, 300, {
    notice: { code: 'FEE_CEILING', message: expect.stringMatching(/--max-fee \d+$/) },
  })
  const { notice } = await wallet.view(sent.id)
  const asked = /--max-fee (\d+)$/.exec(notice!.message)![1]!
  await operate(sent.id, 'max-fee', { maxFee: `${BigInt(asked) * 2n}` })
  await truth.resumeMining()
  await truth.mine(1)
  await wallet.passTime(sent.id, 600, { status: 'CANCELLED' })
})

test('a fee beyond what the account has is refused, and one that was raised by mistake is lowered', async () => {
  const payer = await wallet.payer()
  await truth.pauseMining()
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
  const given = await operate(sent.id, 'cancel')
  await expect(operate(sent.id, 'max-fee', { maxFee: `${99_000n * ETH}` })).rejects.toThrow('The account has')
  await operate(sent.id, 'max-fee', { maxFee: `${ETH}` })
  expect(await operate(sent.id, 'max-fee', { maxFee: `${given.maxFee}` })).toMatchObject({ maxFee: given.maxFee })
  await expect(operate(sent.id, 'max-fee', { maxFee: '1' })).rejects.toThrow('may cost')
})

test('what was given up is not sent again when the block that beat its cancellation vanishes', async () => {
  const payer = await wallet.payer()
  await truth.pauseMining()
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
  await node.control.act({
    kind: 'nextSend',
    effect: 'drop',
    answer: { code: -32000, message: 'busy' },
    times: 'always',
  })
  expect(await operate(sent.id, 'cancel')).toMatchObject({ closing: true })
  await truth.resumeMining()
  await wallet.until(sent.id, { status: 'CONFIRMED' })
  await truth.pauseMining()
  await askNode(truth.rpcUrl, 'anvil_reorg', 2, [])
  await wallet.until(sent.id, { status: 'SUBMITTED', closing: true, notice: { code: 'CANCELLING' } })
})

test('what was out at the kill switch is not sent again after a reorganisation', async () => {
  const payer = await wallet.payer()
  await truth.pauseMining()
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
  await wallet.http.operate('POST', '/v1/admin/kill-switch')
  await truth.resumeMining()
  await eventually(() => statusOf(sent.id)).toBe('CONFIRMED')
  await truth.pauseMining()
  await askNode(truth.rpcUrl, 'anvil_reorg', 2, [])
  await eventually(() => statusOf(sent.id)).toBe('SUBMITTED')
  await askNode(truth.rpcUrl, 'anvil_dropAllTransactions')
  await truth.resumeMining()
  await untilReleased()
  await wallet.passTime(sent.id, 1800, { status: 'FAILED', error: { code: 'SYSTEM_LOCKED' } })
  expect(await truth.balance(sent.to)).toBe(0n)
})

// An agent that asks once more finds other words for it: square/square-mcp-server#31
test('an equal payment is known in whatever words it is asked for', async () => {
  const payer = await wallet.payer()
  await node.control.act({ kind: 'nextSend', effect: 'hold', answer: refused, times: 'always' })
  const to = truth.newAddress()
  const first = await wallet.send(payer, { to, amount: `${PAID}` })
  await wallet.until(first.body.id, { status: 'SUBMITTED' })
  await wallet.passTime(first.body.id, 660, { status: 'SUBMITTED', closing: true })
  for (const words of [{ amount: `${PAID}` }, { humanAmount: '0.01' }, { humanAmount: '0.0100', memo: 'again' }]) {
    const again = await wallet.send(payer, { to: to.toLowerCase(), ...words })
    expect(again).toMatchObject({ status: 409, body: { code: 'EQUAL_REQUEST_OPEN' } })
  }
})

test('what was called dead turns up: the books hold what left the account', async () => {
  const payer = await wallet.payer()
  await node.control.act({ kind: 'nextSend', effect: 'drop' })
  const { sent } = await payAndBringBackDead(wallet, truth, payer, { amount: PAID, consumer: { to: payer.address } })
  const spent = async () => {
    const rows = await wallet.http.db.selectFrom('ledger').selectAll().where('agent_id', '=', payer.id).execute()
    const paid = rows.filter(({ state, kind }) => state === 'COMMITTED' && (kind === 'spend' || kind === 'again'))
    return paid.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  }
  const alarm = { type: 'DEAD_TRANSACTION_FOUND' }
  const alarms = wallet.http.db.selectFrom('events').select('type').where('transaction_id', '=', sent.id)
  await eventually(() => alarms.execute()).toContainEqual(alarm)
  await wallet.passTime(sent.id, 180, {})
  expect(await spent()).toBe(await truth.balance(sent.to))
})
