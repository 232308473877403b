import { checksumAddress } from '@waiaas/core'
import { deployErc20, startEvmNode } from '@waiaas/devnet'
import { type Hex, recoverTransactionAddress, type TransactionSerializable } from 'viem'
import { keccak256, parseTransaction, serializeTransaction, toHex } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { included, send } from '../conformance-steps.fixture.ts'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newEvmKey } from '../test-keys.fixture.ts'
import { calldata } from './contracts.fixture.ts'

const node = await startEvmNode({})
const adapter = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])[0]!
const key = newEvmKey()
const wallet = key.account.address as Hex
const other = newEvmKey().account.address as Hex
let token: Hex

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 18n)
  const dollar = { rpcUrl: node.rpcUrl, name: 'D', symbol: 'USDX', decimals: 6, supply: 1_000n, owner: wallet }
  token = checksumAddress(await deployErc20(dollar)) as Hex
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

const fees = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1n }
const common = { chainId: 31337, nonce: 0, gas: 60_000n, to: other, value: 5n }
const outside = (transaction: object) => serializeTransaction(transaction as TransactionSerializable)
async function judge(raw: string) {
  const result = await adapter.draftOutside(raw, key.account)
  return result.ok ? result.draft : result
}

test.each([
  ['type 2', { ...common, ...fees, type: 'eip1559' }],
  [
    'type 1',
    { ...common, gasPrice: 3_000_000_000n, type: 'eip2930', accessList: [{ address: other, storageKeys: [] }] },
  ],
  ['type 0', { ...common, gasPrice: 3_000_000_000n, type: 'legacy' }],
])('a transaction of %s is judged and signed as it is', async (_, transaction) => {
  const raw = outside(transaction)
  const draft = await judge(raw)
  expect(draft).toMatchObject({ effects: [{ kind: 'spend', amount: 5n, to: other }], maxFee: 180_000_000_000_000n })
  if (!('effects' in draft)) throw new Error(draft.message)
  const stored = { ...draft, plan: JSON.parse(JSON.stringify(draft.plan)) }
  const result = await adapter.signable(stored, key.account, null)
  if (!result.ok) throw new Error(result.message)
  const signed = result.signable.finish(key.sign(result.signable.bytes))
  const serialized = toHex(signed.raw) as never
  expect(await recoverTransactionAddress({ serializedTransaction: serialized })).toBe(wallet)
  expect(signed.hash).toBe(keccak256(signed.raw))
  expect(parseTransaction(serialized)).toMatchObject({ chainId: 31337, value: 5n, gas: 60_000n })
})

test('a signed transaction is accepted by the chain', async () => {
  const draft = await judge(outside({ ...common, ...fees, type: 'eip1559' }))
  if (!('effects' in draft)) throw new Error(draft.message)
  const result = await adapter.signable(draft, key.account, null)
  if (!result.ok) throw new Error(result.message)
  const signed = { ...result.signable.finish(key.sign(result.signable.bytes)), from: wallet }
  expect(signed.sequence).toBe(0n)
  expect(await send(adapter, signed)).toEqual({ kind: 'accepted' })
  expect((await included(adapter, signed)).result.succeeded).toBe(true)
})

test('what its calldata does is what is judged', async () => {
  const data = calldata('transfer(address,uint256)', other, 9n)
  expect(await judge(outside({ ...common, ...fees, type: 'eip1559', to: token, value: 0n, data }))).toMatchObject({
    effects: [{ kind: 'spend', asset: { address: token, symbol: 'USDX', decimals: 6 }, amount: 9n, to: other }],
  })
  const tooMuch = calldata('transfer(address,uint256)', other, 9_999n)
  const failing = outside({ ...common, ...fees, type: 'eip1559', to: token, value: 0n, data: tooMuch })
  expect(await judge(failing)).toMatchObject({ code: 'SIMULATION_FAILED' })
})

test('a transaction that deploys says so', async () => {
  const raw = outside({ ...common, ...fees, type: 'eip1559', to: undefined, value: 0n, data: '0x6000' })
  expect(await judge(raw)).toMatchObject({ effects: [{ kind: 'deploy' }] })
})

const signature = { r: toHex(1n, { size: 32 }), s: toHex(2n, { size: 32 }), yParity: 0 } as const

test.each([
  ['of another chain', outside({ ...common, ...fees, type: 'eip1559', chainId: 1 }), 'CHAIN_ID_MISMATCH'],
  ['of no chain', outside({ ...common, gasPrice: 1n, type: 'legacy', chainId: undefined }), 'CHAIN_ID_MISMATCH'],
  ['without gas', outside({ ...common, ...fees, type: 'eip1559', gas: 0n }), 'INVALID_TRANSACTION'],
  ['signed already', serializeTransaction({ ...common, ...fees, type: 'eip1559' }, signature), 'INVALID_TRANSACTION'],
  ['of type 3', '0x03c0', 'UNSUPPORTED_TX_TYPE'],
  ['of type 4', '0x04c0', 'UNSUPPORTED_TX_TYPE'],
  ['of nothing', '', 'INVALID_TRANSACTION'],
  ['cut', outside({ ...common, ...fees, type: 'eip1559' }).slice(0, -4), 'INVALID_TRANSACTION'],
  ['longer than it is', `${outside({ ...common, ...fees, type: 'eip1559' })}00`, 'INVALID_TRANSACTION'],
])('a transaction %s is refused', async (_, raw, code) => {
  expect(await judge(raw)).toMatchObject({ ok: false, code })
})
