import type { Hex, TransactionSerializable } from 'viem'
import { keccak256, serializeTransaction } from 'viem/utils'
import { expect, test } from 'vitest'
import { blockOf, hex, nodeThat } from './nodes.fixture.ts'
import { readResult } from './receipts.ts'

const FROM = `0x${'11'.repeat(20)}` as Hex
const TO = `0x${'22'.repeat(20)}` as Hex
const GWEI = 10n ** 9n
const BLOCK = { number: 100n, hash: '0xa100', baseFee: GWEI }
const signature = { r: `0x${'12'.repeat(32)}` as Hex, s: `0x${'34'.repeat(32)}` as Hex, yParity: 1, v: 28n }

const common = { chainId: 1, nonce: 0, gas: 60_000n, to: TO, value: 5n }
const payment = { ...common, type: 'eip1559', maxFeePerGas: 3n * GWEI, maxPriorityFeePerGas: 1n } as const
const types: [string, TransactionSerializable][] = [
  ['type 2', payment],
  ['type 1', { ...common, type: 'eip2930', gasPrice: 3n * GWEI }],
  ['type 0', { ...common, type: 'legacy', gasPrice: 3n * GWEI }],
]

function attemptOf(transaction: TransactionSerializable) {
  const raw = serializeTransaction(transaction, signature)
  const bytes = Uint8Array.from(Buffer.from(raw.slice(2), 'hex'))
  return { raw: bytes, hash: keccak256(raw), sequence: 0n, validUntil: null, origin: 90n, from: FROM }
}

type Receipt = { gasUsed?: bigint; effectiveGasPrice?: bigint; l1Fee?: bigint }

/** A node with this receipt, and with this one in the list of the block's receipts. */
function nodeWith(
  hash: string,
  byHash: Receipt,
  inBlock: Receipt = byHash,
  dataFee = (_: unknown): unknown => 'error',
) {
  const receiptOf = (receipt: Receipt) => {
    const { gasUsed = 50_000n, effectiveGasPrice = 2n * GWEI, l1Fee } = receipt
    return {
      transactionHash: hash,
      blockHash: BLOCK.hash,
      status: '0x1',
      gasUsed: hex(gasUsed),
      effectiveGasPrice: hex(effectiveGasPrice),
      ...(l1Fee !== undefined && { l1Fee: hex(l1Fee) }),
    }
  }
  return nodeThat((method, params) => {
    if (method === 'eth_getTransactionReceipt') return receiptOf(byHash)
    if (method === 'eth_getBlockReceipts') return [receiptOf(inBlock)]
    if (method === 'eth_call') return dataFee(params[1])
    if (method === 'eth_getBlockByHash') return blockOf(100)
    return method === 'eth_getCode' ? '0x' : 'error: no such method'
  })
}

const HONEST = 50_000n * 2n * GWEI

test.each(types)('a receipt of a transaction of %s says what it did and cost', async (_, transaction) => {
  const attempt = attemptOf(transaction)
  const result = await readResult(nodeWith(attempt.hash, {}), {}, attempt, BLOCK)
  expect(result).toMatchObject({ succeeded: true, fee: HONEST })
})

// https://github.com/erigontech/erigon/issues/3160 , https://github.com/ten-protocol/go-ten/pull/2311
test.each(
  types.flatMap(([type, transaction]): [string, string, TransactionSerializable, Receipt][] => [
    [type, 'the gas of the whole block', transaction, { gasUsed: 29_000_000n }],
    [type, 'a higher price than was signed', transaction, { effectiveGasPrice: 4n * GWEI }],
    [type, 'a fee for data on a network without one', transaction, { l1Fee: 1n }],
  ]),
)('%s: a receipt that tells %s is none', async (_type, _lie, transaction, lie) => {
  const attempt = attemptOf(transaction)
  expect(await readResult(nodeWith(attempt.hash, lie), {}, attempt, BLOCK)).toBeUndefined()
  const inBlock = await readResult(nodeWith(attempt.hash, lie, {}), {}, attempt, BLOCK)
  expect(inBlock).toMatchObject({ fee: HONEST })
})

test('a payment that runs no code needs no receipt', async () => {
  const attempt = attemptOf({ ...payment, gas: 21_000n })
  const node = nodeWith(attempt.hash, { gasUsed: 29_000_000n })
  expect(await readResult(node, {}, attempt, BLOCK)).toMatchObject({ succeeded: true, fee: 21_000n * (GWEI + 1n) })
})

test('on a rollup it does: only the receipt has the fee for data', async () => {
  const attempt = attemptOf({ ...payment, gas: 21_000n })
  const node = nodeWith(attempt.hash, { gasUsed: 29_000_000n })
  expect(await readResult(node, rollup, attempt, BLOCK)).toBeUndefined()
})

const rollup = { l1FeeOracle: `0x${'42'.repeat(20)}` } as const
const inBlockOnly = (at: unknown) => (at === 'latest' ? hex(1) : hex(1_000))
const nowOnly = (at: unknown) => (at === 'latest' ? hex(1_000) : 'error: state is gone')

test.each([
  ['up to twice what the oracle says in the block', 2_000n, inBlockOnly, true],
  ['more than that', 2_001n, inBlockOnly, false],
  ['up to a hundred times what it says now, where the block has no state', 200_000n, nowOnly, true],
  ['more than that', 200_001n, nowOnly, false],
  ['a fee for data where no oracle answers', 1n, () => 'error', false],
])('a rollup charges %s', async (_, l1Fee, dataFee, isRight) => {
  const attempt = attemptOf(payment)
  const result = await readResult(nodeWith(attempt.hash, { l1Fee }, { l1Fee }, dataFee), rollup, attempt, BLOCK)
  expect(result?.fee).toBe(isRight ? HONEST + l1Fee : undefined)
})
