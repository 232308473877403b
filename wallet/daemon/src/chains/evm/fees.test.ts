import { startEvmNode } from '@waiaas/devnet'
import { parseTransaction } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ChainAdapter } from '../chain-adapter.ts'
import { type NodeProxy, type NodeRefusal, startNodeProxy } from '../node-proxy.fixture.ts'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newEvmKey } from '../test-keys.fixture.ts'
import { setCode } from './contracts.fixture.ts'

const gwei = 1_000_000_000n
const key = newEvmKey()
const payee = newEvmKey().account.address
let node: Awaited<ReturnType<typeof startEvmNode>>
let proxy: NodeProxy
let adapter: ChainAdapter

beforeAll(async () => {
  node = await startEvmNode({})
  await node.control.fund(key.account.address, 10n ** 18n)
})
afterAll(() => node.stop())
beforeEach(async () => {
  proxy = await startNodeProxy(node.rpcUrl)
  adapter = testAdapters([{ network: 'evm-local', rpcUrls: [proxy.url] }])[0]!
})
afterEach(async () => {
  await adapter.close()
  await proxy.close()
})

/** The fees of a payment as it would be signed. */
async function fees(on = adapter) {
  const drafted = await on.draft({ type: 'TRANSFER', to: payee, amount: '1' }, key.account)
  if (!drafted.ok) throw new Error(drafted.message)
  const built = await on.signable(drafted.draft, key.account, 0n)
  if (!built.ok) throw new Error(built.message)
  const { raw } = built.signable.finish(key.sign(built.signable.bytes))
  const { maxPriorityFeePerGas, maxFeePerGas } = parseTransaction(`0x${Buffer.from(raw).toString('hex')}`)
  return { tip: maxPriorityFeePerGas, price: maxFeePerGas }
}

const missing: NodeRefusal['error'] = { code: -32601, message: 'the method does not exist/is not available' }
const unsupported: NodeRefusal['error'] = { code: -32000, message: 'Method eth_maxPriorityFeePerGas not supported.' }
const header = { number: '0x1', hash: `0x${'ab'.repeat(32)}` }
const block = { ...header, baseFeePerGas: '0x64' }
const hex = (value: bigint) => `0x${value.toString(16)}`

test('a tip that a node does not suggest is what the last blocks paid', async () => {
  for (const error of [missing, unsupported]) {
    proxy.refuse({ eth_maxPriorityFeePerGas: error })
    const reward = [['0x0'], [hex(3n * gwei)], [hex(9n * gwei)], [hex(2n * gwei)]]
    proxy.pretend({ eth_getBlockByNumber: block, eth_feeHistory: { baseFeePerGas: ['0x64', '0x64'], reward } })
    expect((await fees()).tip).toBe(3n * gwei)
  }
})

test('without a fee history, it is what the gas price leaves beyond the base fee', async () => {
  proxy.refuse({ eth_maxPriorityFeePerGas: missing, eth_feeHistory: missing })
  proxy.pretend({ eth_getBlockByNumber: block, eth_gasPrice: hex(100n + 7n * gwei) })
  expect((await fees()).tip).toBe(7n * gwei)
})

test('a block without a base fee is paid by the gas price alone', async () => {
  proxy.pretend({ eth_getBlockByNumber: header, eth_gasPrice: hex(5n * gwei) })
  expect(await fees()).toMatchObject({ tip: 5n * gwei })
})

test('without any price, the error names the method and the node', async () => {
  proxy.refuse({ eth_maxPriorityFeePerGas: missing, eth_feeHistory: missing, eth_gasPrice: missing })
  expect(await adapter.draft({ type: 'TRANSFER', to: payee, amount: '1' }, key.account)).toMatchObject({
    ok: false,
    code: 'CHAIN_ERROR',
    message: expect.stringMatching(/^The node cannot answer eth_gasPrice: /),
  })
})

test.each([
  ['polygon-mainnet', '0x89'],
  ['polygon-amoy', '0x13882'],
] as const)('the tip on %s is never below what its pools take', async (network, eth_chainId) => {
  const polygon = testAdapters([{ network, rpcUrls: [proxy.url] }])[0]!
  proxy.pretend({ eth_chainId, eth_maxPriorityFeePerGas: hex((15n * gwei) / 10n) })
  const { tip, price } = await fees(polygon)
  expect(tip).toBe(25n * gwei)
  expect(price).toBeGreaterThanOrEqual(25n * gwei)
  await polygon.close()
})

test('a call that uses up all gas is SIMULATION_FAILED, not a lack of money', async () => {
  const loop = newEvmKey().account.address
  await setCode(node.rpcUrl, loop, '0x5b600056')
  const request = { type: 'CONTRACT_CALL', to: loop, calldata: '0x12345678' } as const
  const refused = { ok: false, code: 'SIMULATION_FAILED' }
  expect(await adapter.draft(request, key.account)).toMatchObject(refused)
  proxy.refuse({ eth_estimateGas: { code: -32000, message: 'gas required exceeds allowance (50000000)' } })
  expect(await adapter.draft(request, key.account)).toMatchObject(refused)
  const poor = newEvmKey()
  expect(await adapter.draft(request, poor.account)).toMatchObject({ ok: false, code: 'INSUFFICIENT_BALANCE' })
})

test('a lost simulation is CHAIN_ERROR, not a call with unknown effects', async () => {
  const box = newEvmKey().account.address
  await setCode(node.rpcUrl, box, '0x00')
  const request = { type: 'CONTRACT_CALL', to: box, calldata: '0x12345678' } as const
  proxy.refuse({ eth_simulateV1: { code: -32016, message: 'over rate limit' } })
  expect(await adapter.draft(request, key.account)).toMatchObject({ ok: false, code: 'CHAIN_ERROR' })
  proxy.refuse({ eth_simulateV1: missing })
  expect(await adapter.draft(request, key.account)).toMatchObject({
    ok: true,
    draft: { effects: expect.arrayContaining([expect.objectContaining({ kind: 'opaque' })]) },
  })
})
