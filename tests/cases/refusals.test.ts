import { type EvmAct, type EvmPersonality, type EvmSituation, type NodeProxy, startEvmProxy } from '@waiaas/devnet'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askNode, assertBooks, assertPaidOnce, type CaseWallet, eventually, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, hex, localPersonalities, startEvmTruth } from './evm-truth.ts'

let truth: EvmTruth
beforeAll(async () => {
  truth = await startEvmTruth()
})
afterAll(() => truth.stop())

const REFUSALS: readonly EvmSituation[] = [
  'replacementUnderpriced',
  'insufficientFunds',
  'feeTooLow',
  'tipTooLow',
  'feeCapBelowBaseFee',
  'poolFull',
  'senderLimit',
  'nonceTooLow',
  'nonceTooHigh',
  'notAccepting',
]
const PAID = ETH / 100n

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

  const says = (situation: EvmSituation) => personality.says[situation] !== undefined
  const hasPool = personality.pool.replacement !== 'never'

  test('takes the bytes and answers that it does not: one payment', async () => {
    const payer = await wallet.payer()
    const sent = []
    for (const situation of REFUSALS.filter(says)) {
      await node.control.act({ kind: 'nextSend', answer: { situation } })
      sent.push(await wallet.pay(payer, PAID))
      await wallet.until(sent.at(-1)!.id, { status: 'CONFIRMED' })
    }
    await assertPaidOnce(wallet, ...sent)
    expect(await truth.made(payer.address)).toBe(sent.length)
  })

  test('refuses, keeps the bytes out of sight, and they are mined later: one payment', async () => {
    const payer = await wallet.payer()
    const answer = { situation: refusalOf(personality) }
    await node.control.act({ kind: 'nextSend', effect: 'hold', answer, times: 'always' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: true, notice: { code: 'NOT_ACCEPTED' } })
    await node.control.act({ kind: 'heal' })
    await node.control.act({ kind: 'release' })
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('refuses for ever, and mines the first bytes after the payment was given up: the row says paid', async () => {
    const payer = await wallet.payer()
    const answer = { situation: refusalOf(personality) }
    await node.control.act({ kind: 'nextSend', effect: 'hold', answer, times: 'always' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    await wallet.passTime(sent.id, 660, { status: 'SUBMITTED', closing: true })
    const again = await wallet.send(payer, { to: sent.to, amount: `${PAID}` })
    expect(again).toMatchObject({ status: 409, body: { code: 'EQUAL_REQUEST_OPEN' } })
    await node.control.act({ kind: 'release' })
    await assertPaidOnce(wallet, sent)
    const sequences = (await wallet.attempts(sent.id)).map(({ sequence }) => sequence)
    expect(new Set(sequences).size).toBe(1)
  })

  test('refuses for ever and forgets: the payment is closed in its place, and the next one goes', async () => {
    const payer = await wallet.payer()
    const answer = { situation: refusalOf(personality) }
    await node.control.act({ kind: 'nextSend', effect: 'drop', answer, times: 'always' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    await wallet.passTime(sent.id, 660, { status: 'SUBMITTED', closing: true })
    await node.control.act({ kind: 'heal' })
    const next = await wallet.pay(payer, PAID)
    await wallet.passTime(sent.id, 360, { status: 'FAILED' })
    await assertPaidOnce(wallet, next)
    expect(await truth.balance(sent.to)).toBe(0n)
    expect(await truth.made(payer.address)).toBe(2)
  })

  test('does not know what it is told: the payment can be cancelled', async () => {
    const payer = await wallet.payer()
    const answer = { code: -32000, message: 'the moon is in the wrong house' }
    await node.control.act({ kind: 'nextSend', effect: 'drop', answer, times: 2 })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED', notice: { nodeWords: answer.message } })
    const cancelled = await wallet.http.operate('POST', `/v1/transactions/${sent.id}/cancel`)
    expect(cancelled).toMatchObject({ status: 'SUBMITTED', closing: true })
    await wallet.passTime(sent.id, 120, { status: 'CANCELLED' })
    await assertBooks(wallet, payer)
    expect(await truth.balance(sent.to)).toBe(0n)
  })

  test('says that it has the bytes: they count as taken', async ({ skip }) => {
    skip(!says('alreadyKnown'), 'this client keeps no bytes that it could know')
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', effect: 'hold', answer: { situation: 'alreadyKnown' } })
    const sent = await wallet.pay(payer, PAID)
    expect(await wallet.until(sent.id, { status: 'SUBMITTED' })).toMatchObject({ outcomeUnknown: false })
    await node.control.act({ kind: 'release' })
    await assertPaidOnce(wallet, sent)
  })

  test('takes a dearer version, answers that it does not, and mines it: one payment', async ({ skip }) => {
    skip(!hasPool, 'without a pool nothing is replaced')
    const payer = await wallet.payer()
    await truth.pauseMining()
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
    const { baseFeePerGas } = await askNode<{ baseFeePerGas: string }>(
      truth.rpcUrl,
      'eth_getBlockByNumber',
      'latest',
      false,
    )
    // Dearer than the first version pays, cheaper than the headroom.
    await askNode(
      truth.rpcUrl,
      'anvil_setNextBlockBaseFeePerGas',
      hex((BigInt(baseFeePerGas) * 5n) / 2n + ETH / 10n ** 9n),
    )
    await truth.mine(1)
    await node.control.act({ kind: 'nextSend', answer: { situation: refusalOf(personality) }, times: 'always' })
    wallet.http.clock.advance(20)
    await eventually(async () => (await wallet.attempts(sent.id)).length).toBeGreaterThan(1)
    await truth.resumeMining()
    await assertPaidOnce(wallet, sent)
    const attempts = await wallet.attempts(sent.id)
    expect(new Set(attempts.map(({ sequence }) => sequence))).toEqual(new Set(['0']))
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('caps fees: a version that costs less goes', async ({ skip }) => {
    skip(personality.pool.feeCap === undefined || !says('feeAboveCap'), 'this client has no cap')
    const payer = await wallet.payer()
    const setBaseFee = async (gwei: bigint) => {
      await askNode(truth.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', hex(gwei * 10n ** 9n))
      await truth.mine(1)
    }
    // 21,000 gas at twice this base fee cost 1.26 coins; the wallet knows of it when a draft costs more than the cap.
    await setBaseFee(30_000n)
    await eventually(async () => BigInt(await wallet.feeOf(payer))).toBeGreaterThan(ETH)
    const sent = await wallet.pay(payer, PAID)
    await wallet.passTime(sent.id, 60, { status: 'CONFIRMED' })
    await assertPaidOnce(wallet, sent)
    expect(await wallet.attempts(sent.id)).toHaveLength(2)
    await setBaseFee(1n)
  })
})

/** The words by which it refuses a version, or where it has no pool, a transaction. */
function refusalOf({ says }: EvmPersonality): EvmSituation {
  return says.replacementUnderpriced ? 'replacementUnderpriced' : 'insufficientFunds'
}
