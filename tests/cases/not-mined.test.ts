import { keccak256 } from 'viem'
import { beforeEach, expect, test } from 'vitest'
import { assertBooks, assertPaidOnce, type CaseWallet, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, startEvmTruth } from './evm-truth.ts'
import { type Lie, type LyingNode, startLyingNode } from './lying-node.ts'

const PAID = ETH / 100n

let truth: EvmTruth
let first: LyingNode
let second: LyingNode
let wallet: CaseWallet
beforeEach(async () => {
  truth = await startEvmTruth()
  first = await startLyingNode(truth.rpcUrl)
  second = await startLyingNode(truth.rpcUrl)
  wallet = await startCaseWallet(truth, [first.rpcUrl, second.rpcUrl])
  return async () => {
    await wallet.close()
    await Promise.all([first.stop(), second.stop()])
    await truth.stop()
  }
})

/** Says that it took the bytes, and keeps nothing. */
const swallow: Lie = ({ method, params }) =>
  method === 'eth_sendRawTransaction' ? { result: keccak256(params![0] as `0x${string}`) } : undefined
/** Says so, and names other bytes. */
const swallowAndMistake: Lie = ({ method }) =>
  method === 'eth_sendRawTransaction' ? { result: `0x${'11'.repeat(32)}` } : undefined
// ethereum-optimism/op-reth, nethermind#10210: refused at first, and then taken for known by what remembers the hash alone.
const remember = (): Lie => {
  let count = 0
  return ({ method }) => {
    if (method !== 'eth_sendRawTransaction') return undefined
    count += 1
    return { error: { code: -32010, message: count === 1 ? 'FeeTooLow, MaxFeePerGas too low' : 'AlreadyKnown' } }
  }
}

test('what one node swallows goes to the other one', async () => {
  first.lie(swallow)
  const payer = await wallet.payer()
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED', outcomeUnknown: false })
  await wallet.passTime(sent.id, 60, { status: 'CONFIRMED' })
  await assertPaidOnce(wallet, sent)
})

test('a hash of something else is not taken for acceptance: it is given up after ten minutes', async () => {
  for (const node of [first, second]) node.lie(swallowAndMistake)
  const payer = await wallet.payer()
  const sent = await wallet.pay(payer, PAID)
  const nodeWords = expect.stringContaining('returned the hash of another transaction')
  await wallet.until(sent.id, {
    status: 'SUBMITTED',
    outcomeUnknown: true,
    notice: { code: 'NOT_ACCEPTED', nodeWords },
  })
  await wallet.passTime(sent.id, 660, { status: 'SUBMITTED', closing: true, notice: { code: 'CLOSING' } })
})

test.each([
  ['swallows', () => swallow],
  ['remembers without having it', remember],
] as const)(
  'what every node %s is said so, is paid once when a node passes it on, and can be cancelled',
  async (_, how) => {
    for (const node of [first, second]) node.lie(how())
    const payer = await wallet.payer()
    const sent = await wallet.pay(payer, PAID)
    await wallet.passTime(sent.id, 1200, { status: 'SUBMITTED', closing: false, notice: { code: 'NOT_MINED' } })
    const cancelled = await wallet.pay(payer, PAID)
    await wallet.passTime(sent.id, 3600, { status: 'SUBMITTED', closing: false, notice: { code: 'NOT_MINED' } })
    await wallet.http.operate('POST', `/v1/transactions/${cancelled.id}/cancel`)
    second.beHonest()
    await wallet.passTime(sent.id, 660, { status: 'CONFIRMED' })
    expect(await wallet.view(sent.id)).not.toHaveProperty('notice')
    await wallet.passTime(cancelled.id, 660, { status: 'CANCELLED' })
    expect([await truth.balance(sent.to), await truth.balance(cancelled.to)]).toEqual([PAID, 0n])
    await assertBooks(wallet, payer)
  },
)
