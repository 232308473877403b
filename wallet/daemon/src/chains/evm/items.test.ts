import { checksumAddress, type TransactionRequest } from '@waiaas/core'
import { deployFeeErc20, deployItems, startEvmNode } from '@waiaas/devnet'
import type { Hex } from 'viem'
import { serializeTransaction } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newEvmKey } from '../test-keys.fixture.ts'
import { calldata } from './contracts.fixture.ts'

const node = await startEvmNode({})
const adapter = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])[0]!
const key = newEvmKey()
const wallet = key.account.address as Hex
const other = newEvmKey().account.address as Hex
const nobody = '0x0000000000000000000000000000000000000000'
const UNLIMITED = (1n << 256n) - 1n
let items: Hex
let fee: Hex

beforeAll(async () => {
  const { rpcUrl } = node
  await node.control.fund(wallet, 10n ** 18n)
  items = checksumAddress(await deployItems({ rpcUrl, count: 8n, owner: wallet })) as Hex
  fee = checksumAddress(await deployFeeErc20({ rpcUrl, supply: 1_000n, owner: wallet, feePercent: 10n })) as Hex
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

const asset = () => ({ network: 'evm-local', address: items, symbol: 'ITEM', decimals: 0 })
const spend = () => ({ kind: 'spend', asset: asset(), amount: 1n, to: other })
const grant = (amount: bigint, spender: string) => ({ kind: 'grant', asset: asset(), amount, spender })

async function draft(request: TransactionRequest) {
  const result = await adapter.draft(request, key.account)
  return result.ok ? result.draft : result
}

async function judge(data: Hex) {
  const raw = serializeTransaction({
    type: 'eip1559',
    chainId: 31337,
    nonce: 0,
    gas: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
    to: items,
    data,
  })
  const result = await adapter.draftOutside(raw, key.account)
  return result.ok ? result.draft : result
}

test.each<[string, () => Hex, () => object]>([
  ['safeTransferFrom', () => calldata('safeTransferFrom(address,address,uint256)', wallet, other, 5n), spend],
  [
    'safeTransferFrom with data',
    () => calldata('safeTransferFrom(address,address,uint256,bytes)', wallet, other, 0n, '0x01'),
    spend,
  ],
  ['transferFrom', () => calldata('transferFrom(address,address,uint256)', wallet, other, 7n), spend],
  ['transferFrom of item 0', () => calldata('transferFrom(address,address,uint256)', wallet, other, 0n), spend],
  ['approve', () => calldata('approve(address,uint256)', other, 6n), () => grant(1n, other)],
  ['approve of item 0', () => calldata('approve(address,uint256)', other, 0n), () => grant(1n, other)],
  ['approve of nobody', () => calldata('approve(address,uint256)', nobody, 6n), () => grant(0n, nobody)],
  ['setApprovalForAll', () => calldata('setApprovalForAll(address,bool)', other, true), () => grant(UNLIMITED, other)],
  ['its end', () => calldata('setApprovalForAll(address,bool)', other, false), () => grant(0n, other)],
])('%s of an item is one effect, in a call and in a transaction made elsewhere', async (_, data, effect) => {
  const effects = [effect()]
  expect(await draft({ type: 'CONTRACT_CALL', to: items, calldata: data() })).toMatchObject({ effects })
  expect(await judge(data())).toMatchObject({ effects })
})

test('items are no token that can be paid or approved in amounts', async () => {
  const token = { address: items }
  const refused = { ok: false, code: 'TOKEN_NOT_FOUND' }
  expect(await draft({ type: 'TOKEN_TRANSFER', to: other, token, amount: '1' })).toMatchObject(refused)
  expect(await draft({ type: 'APPROVE', spender: other, token, amount: '1' })).toMatchObject(refused)
})

test('of a token that keeps a part, the whole leaves the wallet, and what arrives is told', async () => {
  const request = { type: 'TOKEN_TRANSFER', to: other, token: { address: fee }, amount: '100' } as const
  const coin = { network: 'evm-local', address: fee, symbol: 'FEE', decimals: 6 }
  expect(await draft(request)).toMatchObject({
    effects: [{ kind: 'spend', asset: coin, amount: 100n, to: other }],
    changes: [
      { account: wallet, asset: coin, before: 1_000n, after: 900n },
      { account: other, asset: coin, before: 0n, after: 90n },
    ],
  })
})
