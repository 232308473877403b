import { type EvmAct, type NodeProxy, startEvmProxy } from '@waiaas/devnet'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { assertBooks, assertPaidOnce, type CaseWallet, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, localPersonalities, startEvmTruth } from './evm-truth.ts'

let truth: EvmTruth
beforeAll(async () => {
  truth = await startEvmTruth()
})
afterAll(() => truth.stop())

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
  beforeEach(() => node.control.act({ kind: 'heal' }))

  test('0.6, 0.6, 0.05 and 0.05 of 1 coin at once: one fails unsigned, the others are paid', async () => {
    const payer = await wallet.payer(1n)
    const amounts = [60n, 60n, 5n, 5n].map((percent) => (ETH * percent) / 100n)
    const sent = await Promise.all(amounts.map((amount) => wallet.pay(payer, amount)))
    // Of many at the same time anvil forgets one now and then: the wallet sends it again.
    for (const { id } of sent) await wallet.passTime(id, 0, { status: expect.stringMatching(/CONFIRMED|FAILED/) })
    const views = await Promise.all(sent.map(({ id }) => wallet.view(id)))
    const failed = views.filter(({ status }) => status === 'FAILED')
    expect(failed).toMatchObject([{ error: { code: 'INSUFFICIENT_BALANCE' } }])
    expect(await wallet.attempts(failed[0]!.id)).toEqual([])
    await assertPaidOnce(wallet, ...sent.filter(({ id }) => id !== failed[0]!.id))
    expect(await truth.made(payer.address)).toBe(3)
  })

  test('the first of two that were signed together is refused for good: it is closed, the second is paid', async () => {
    const payer = await wallet.payer()
    const situation = personality.says.insufficientFunds === undefined ? 'nonceTooLow' : 'insufficientFunds'
    await node.control.act({ kind: 'nextSend', effect: 'drop', answer: { situation }, times: 'always' })
    const [first, second] = await Promise.all([wallet.pay(payer, 2n * ETH), wallet.pay(payer, ETH / 100n)])
    await wallet.until(first.id, { status: 'SUBMITTED' })
    await wallet.passTime(first.id, 660, { status: 'SUBMITTED', closing: true })
    await node.control.act({ kind: 'heal' })
    await wallet.passTime(first.id, 960, { status: 'FAILED' })
    await wallet.until(second.id, { status: expect.stringMatching(/CONFIRMED|FAILED/) })
    await assertBooks(wallet, payer)
    for (const { id, to, amount } of [first, second]) {
      const { status } = await wallet.view(id)
      expect(await truth.balance(to)).toBe(status === 'CONFIRMED' ? amount : 0n)
    }
  })

  test('a pending transaction of others that is dropped: its number is used up, and the payment goes', async () => {
    const payer = await wallet.payer()
    await node.control.act({ kind: 'pendingCount', address: payer.address, is: 1 })
    const sent = await wallet.pay(payer, ETH / 100n)
    await wallet.until(sent.id, { status: 'EXECUTING' })
    await wallet.passTime(sent.id, 120, { status: 'SUBMITTED' })
    expect(await wallet.attempts(sent.id)).toMatchObject([{ sequence: '1' }])
    await node.control.act({ kind: 'heal' })
    await wallet.passTime(sent.id, 180, { status: 'CONFIRMED' })
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(2)
  })
})
