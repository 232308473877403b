import { deployBox, type EvmAct, type NodeProxy, startEvmProxy } from '@waiaas/devnet'
import { encodeFunctionData, parseAbi } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { assertBooks, assertPaidOnce, type CaseWallet, eventually, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, localPersonalities, payAndBringBackDead, startEvmTruth } from './evm-truth.ts'

let truth: EvmTruth
let box: string
beforeAll(async () => {
  truth = await startEvmTruth()
  box = await deployBox({ rpcUrl: truth.rpcUrl })
})
afterAll(() => truth.stop())

const PAID = ETH / 100n
const STORE = encodeFunctionData({ abi: parseAbi(['function store(uint256 newValue) payable']), args: [7n] })

describe.each(localPersonalities)('%s', (_, personality) => {
  let node: NodeProxy<EvmAct>
  let wallet: CaseWallet
  beforeAll(async () => {
    node = await startEvmProxy({ upstream: truth.rpcUrl, personality })
    wallet = await startCaseWallet(truth, [node.rpcUrl])
  })
  afterAll(async () => {
    await wallet.close()
    await node.stop()
  })
  beforeEach(async () => {
    await node.control.act({ kind: 'heal' })
    await node.control.behave()
  })

  const forgetAll = async () => {
    await node.control.act({ kind: 'forget', what: 'transactions', from: 0 })
    await node.control.act({ kind: 'forget', what: 'receipts', from: 0 })
  }
  const withoutBlockReceipts = () =>
    node.control.misbehave({
      method: 'eth_getBlockReceipts',
      times: 'always',
      action: { kind: 'refuse', error: { code: -32601, message: 'the method eth_getBlockReceipts does not exist' } },
    })
  const simulates = personality.missingMethods.eth_simulateV1 === undefined
  /** What a call moves is not known there, and no policy allows that. */
  const refusesCalls = async () => {
    const payer = await wallet.payer(10n, { CONTRACT_WHITELIST: { contracts: [{ address: box }] } })
    const { body } = await wallet.send(payer, { type: 'CONTRACT_CALL', to: box, calldata: STORE, value: `${PAID}` })
    expect(body).toMatchObject({ code: 'POLICY_DENIED', message: expect.stringContaining('cannot simulate') })
  }
  const call = async () => {
    const payer = await wallet.payer(10n, { CONTRACT_WHITELIST: { contracts: [{ address: box }] } })
    const before = await truth.balance(box)
    const { body } = await wallet.send(payer, { type: 'CONTRACT_CALL', to: box, calldata: STORE, value: `${PAID}` })
    return { payer, id: body.id, moved: async () => (await truth.balance(box)) - before }
  }

  // Before the others: what a node said once that it does not offer is not asked of it again for a while.
  test('has no index: the receipt of a call comes with those of its block', async () => {
    if (!simulates) return await refusesCalls()
    await node.control.act({ kind: 'forget', what: 'transactions', from: 0 })
    const { payer, id, moved } = await call()
    await wallet.until(id, { status: 'CONFIRMED' })
    expect(await moved()).toBe(PAID)
    await assertBooks(wallet, payer)
  })

  test('has no index and no receipts: a plain payment is known by its block', async () => {
    const payer = await wallet.payer()
    await forgetAll()
    await withoutBlockReceipts()
    const sent = await wallet.pay(payer, PAID)
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('was away when the payment was mined, and has no index since: one payment', async () => {
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', effect: 'hold' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    await node.control.misbehave({ method: '*', times: 'always', action: { kind: 'refuse', status: 503 } })
    await node.control.act({ kind: 'release' })
    await eventually(() => truth.balance(sent.to)).toBe(PAID)
    await truth.mine(5)
    await forgetAll()
    wallet.http.clock.advance(3600)
    await node.control.behave()
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('has no receipt of a call at all: it waits, and the operator proves it elsewhere', async () => {
    if (!simulates) return await refusesCalls()
    await forgetAll()
    await withoutBlockReceipts()
    const { payer, id, moved } = await call()
    await wallet.until(id, { status: 'SUBMITTED', notice: { code: 'RECEIPT_UNAVAILABLE' } })
    await wallet.passTime(id, 660, { status: 'SUBMITTED', notice: { code: 'RECEIPT_UNAVAILABLE' } })
    expect(await wallet.attempts(id)).toHaveLength(1)
    await wallet.http.operate('POST', `/v1/transactions/${id}/prove`, { rpcUrl: truth.rpcUrl })
    await wallet.until(id, { status: 'CONFIRMED' })
    expect(await moved()).toBe(PAID)
    await assertBooks(wallet, payer)
  })

  test('gives receipts late, or without a price: the payment is confirmed, and the fee is what was paid', async () => {
    const payer = await wallet.payer()
    await node.control.act({ kind: 'receiptsWithoutPrice' })
    const first = await wallet.pay(payer, PAID)
    await assertPaidOnce(wallet, first)
    await node.control.act({ kind: 'lateReceipts', blocks: 2 })
    const second = await wallet.pay(payer, PAID)
    await eventually(() => truth.balance(second.to)).toBe(PAID)
    await truth.mine(3)
    await assertPaidOnce(wallet, first, second)
  })

  test.each([
    ['what was called dead turns up in a block', false],
    ['what proved it dead is gone, and later it turns up in a block', true],
  ])('%s: an alarm, and the account waits for the operator', async (_title, isSeenBetween) => {
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', effect: 'drop' })
    const consumer = { to: box, data: STORE }
    const { sent, dead } = await payAndBringBackDead(wallet, truth, payer, {
      amount: PAID,
      consumer,
      isSeenBetween,
    })
    const events = async () => {
      const rows = await wallet.http.db
        .selectFrom('events')
        .select(['type', 'data'])
        .where('transaction_id', '=', sent.id)
        .where('type', '=', 'DEAD_TRANSACTION_FOUND')
        .execute()
      return rows.map(({ data }) => JSON.parse(data) as object)
    }
    await eventually(events).toMatchObject([{ level: 'CRITICAL', hash: dead.hash }])
    const agent = await wallet.http.operate('GET', `/v1/agents/${payer.id}`)
    expect(agent).toMatchObject({ status: 'SUSPENDED' })
    const held = await wallet.http.operate<{ items: { address: string }[] }>('GET', '/v1/admin/accounts/held')
    expect(held.items).toContainEqual(expect.objectContaining({ address: payer.address }))
    expect(await wallet.send(payer, { to: truth.newAddress(), amount: '1' })).toMatchObject({
      status: 409,
      body: { code: 'AGENT_SUSPENDED' },
    })
    const body = { network: 'evm-local', address: payer.address }
    expect(await wallet.http.operate('POST', '/v1/admin/accounts/release', body)).toEqual({ released: true })
  })
})
