import { checksumAddress, type TransactionRequest } from '@waiaas/core'
import { deployBox, deployErc20, startEvmNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newEvmKey } from '../test-keys.fixture.ts'
import { answering, anvil, calldata, calling, setCode, text, uint } from './contracts.fixture.ts'

const node = await startEvmNode({})
const adapter = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])[0]!
const { account } = newEvmKey()
const wallet = account.address as `0x${string}`
const other = newEvmKey().account.address as `0x${string}`
const MAX = (1n << 256n) - 1n
let token: `0x${string}`
let box: `0x${string}`
const usd = () => ({ network: 'evm-local', address: token, symbol: 'USDX', decimals: 6 })
const eth = { network: 'evm-local', symbol: 'ETH', decimals: 18 }

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 18n)
  const { rpcUrl } = node
  const dollar = { rpcUrl, name: 'Dollar', symbol: 'USDX', decimals: 6, supply: 1_000_000n, owner: wallet }
  token = checksumAddress(await deployErc20(dollar)) as `0x${string}`
  box = checksumAddress(await deployBox({ rpcUrl })) as `0x${string}`
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

async function draft(request: TransactionRequest) {
  const result = await adapter.draft(request, account)
  return result.ok ? result.draft : result
}
const send = (fields: object = {}) =>
  draft({ type: 'TOKEN_TRANSFER', to: other, token: { address: token }, amount: '5', ...fields })
const call = (to: string, data: `0x${string}`, value?: string) =>
  draft({ type: 'CONTRACT_CALL', to, calldata: data, ...(value === undefined ? {} : { value }) })
const approve = (fields: object = {}) =>
  draft({ type: 'APPROVE', spender: other, token: { address: token }, amount: '5', ...fields })

/** A contract at a new address. */
async function contract(answers: Readonly<Record<string, `0x${string}`>>): Promise<`0x${string}`> {
  const address = newEvmKey().account.address as `0x${string}`
  await setCode(node.rpcUrl, address, answering(answers))
  return address
}
const liar = { 'decimals()': uint(6n), 'symbol()': text('LIE'), 'balanceOf(address)': uint(100n) }

test('a token transfer is a spend of the token, in the units that the chain tells', async () => {
  expect(await send()).toMatchObject({
    effects: [{ kind: 'spend', asset: usd(), amount: 5n, to: other }],
    amount: 5n,
    asset: { symbol: 'USDX', decimals: 6 },
    to: other,
    changes: [
      { account: wallet, asset: usd(), before: 1_000_000n, after: 999_995n },
      { account: other, asset: usd(), before: 0n, after: 5n },
    ],
  })
  expect(await send({ amount: undefined, humanAmount: '0.5' })).toMatchObject({ amount: 500_000n })
})

test.each([
  [{ token: { address: '0x0000000000000000000000000000000000000000' } }, 'TOKEN_NOT_FOUND', 'decimals'],
  [{ amount: '1000001' }, 'INSUFFICIENT_TOKEN_BALANCE', 'The wallet has 1 USDX'],
  [{ amount: String(2n ** 63n) }, 'INSUFFICIENT_TOKEN_BALANCE', 'USDX'],
  [{ amount: String(MAX) }, 'INSUFFICIENT_TOKEN_BALANCE', 'USDX'],
  [{ amount: '0' }, 'VALIDATION_FAILED', 'zero'],
  [{ amount: undefined, humanAmount: '0.0000001' }, 'VALIDATION_FAILED', '6 decimals'],
  [{ to: '0x0000000000000000000000000000000000000000' }, 'INVALID_ADDRESS', 'nobody'],
  [{ to: 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae' }, 'INVALID_ADDRESS', 'another chain'],
  [{ token: { address: 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae' } }, 'INVALID_ADDRESS', 'another chain'],
])('%j is refused', async (fields, code, message) => {
  expect(await send(fields)).toMatchObject({ ok: false, code, message: expect.stringContaining(message) })
})

test('what a request says of a token must be what the chain says', async () => {
  const refusal = async (declared: object) => await send({ token: { address: token, ...declared } })
  expect(await refusal({ decimals: 6, symbol: 'USDX' })).toMatchObject({ amount: 5n })
  expect(await refusal({ decimals: 18 })).toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(await refusal({ symbol: 'ETH' })).toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(await send({ to: token })).toMatchObject({ code: 'INVALID_ADDRESS' })
  expect(await send({ token: { address: other } })).toMatchObject({ code: 'TOKEN_NOT_FOUND' })
  expect(await send({ token: { address: box } })).toMatchObject({ code: 'TOKEN_NOT_FOUND' })
})

test('a token that takes the call and pays nothing is refused, whatever it answers', async () => {
  for (const answer of [uint(0n), uint(1n), '0x'] as const) {
    const address = await contract({ ...liar, 'transfer(address,uint256)': answer })
    const expected = { code: 'SIMULATION_FAILED', message: expect.stringContaining('would not pay') }
    expect(await send({ token: { address } })).toMatchObject(expected)
  }
})

test('a token with 255 decimals is none, and a name cannot forge anything', async () => {
  const many = await contract({ ...liar, 'decimals()': uint(255n) })
  expect(await send({ token: { address: many } })).toMatchObject({ code: 'TOKEN_NOT_FOUND' })
  const symbolOf = async (symbol: `0x${string}`) => {
    const address = await contract({
      ...liar,
      'symbol()': symbol,
      'allowance(address,address)': uint(0n),
      'approve(address,uint256)': uint(1n),
    })
    const result = await approve({ token: { address } })
    return 'effects' in result ? result.asset.symbol : result
  }
  expect(await symbolOf(text('US\u0000D\n\u202eC'))).toBe('USDC')
  expect(await symbolOf(text('USDС'))).toBe('USD?')
  expect(await symbolOf(text('x'.repeat(10_000)))).toBe('x'.repeat(16))
  expect(await symbolOf('0x4d4b520000000000000000000000000000000000000000000000000000000000')).toBe('MKR')
  expect(await symbolOf('0x')).toMatch(/^0x.{4}…/)
})

test('an approval is a grant; one without limit is told in full', async () => {
  expect(await approve()).toMatchObject({ effects: [{ kind: 'grant', asset: usd(), amount: 5n, spender: other }] })
  expect(await approve({ amount: String(MAX) })).toMatchObject({ effects: [{ kind: 'grant', amount: MAX }] })
  expect(await approve({ amount: '0' })).toMatchObject({ effects: [{ kind: 'grant', amount: 0n }] })
  expect(await approve({ spender: `0x${'0'.repeat(40)}` })).toMatchObject({ code: 'INVALID_ADDRESS' })
})

test('one allowance is not turned into another', async () => {
  const rival = newEvmKey().account.address as `0x${string}`
  await anvil(node.rpcUrl, 'anvil_impersonateAccount', wallet)
  await anvil(node.rpcUrl, 'eth_sendTransaction', {
    from: wallet,
    to: token,
    data: calldata('approve(address,uint256)', rival, 7n),
  })
  await node.control.mine(1)
  expect(await approve({ spender: rival, amount: '8' })).toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringContaining('0 first'),
  })
  expect(await approve({ spender: rival, amount: '0' })).toMatchObject({ effects: [{ kind: 'grant', amount: 0n }] })
  // What an increase comes to is read from the chain.
  const increased = await call(token, calldata('approve(address,uint256)', rival, 9n))
  expect(increased).toMatchObject({ effects: [{ kind: 'grant', amount: 9n, spender: rival }] })
})

test('a call with value is a spend and a call', async () => {
  expect(await call(box, calldata('store(uint256)', 1n), '7')).toMatchObject({
    effects: [
      { kind: 'spend', asset: eth, amount: 7n, to: box },
      { kind: 'call', target: box, selector: '0x6057361d' },
    ],
    changes: [{ account: wallet, asset: eth }],
  })
  expect(await call(box, calldata('refuse(uint256)', 1n))).toMatchObject({ code: 'SIMULATION_FAILED' })
  expect(await call(box, '0x')).toMatchObject({
    effects: [
      { kind: 'spend', amount: 0n },
      { kind: 'call', selector: '0x' },
    ],
  })
})

test('calldata of a transfer is the spend that it is, whatever it is called', async () => {
  expect(await call(token, calldata('transfer(address,uint256)', other, 9n))).toMatchObject({
    effects: [{ kind: 'spend', asset: usd(), amount: 9n, to: other }],
  })
  expect(await call(token, calldata('transfer(address,uint256)', other, MAX))).toMatchObject({ ok: false })
})

test('an ABI that does not fit, or fields of another chain, are refused', async () => {
  const abi = [
    { type: 'function', name: 'store', inputs: [{ type: 'uint256' }], outputs: [], stateMutability: 'payable' },
  ]
  const request = { type: 'CONTRACT_CALL', to: box, abi } as const
  expect(await draft({ ...request, calldata: calldata('store(uint256)', 1n) })).toHaveProperty('effects')
  expect(await draft({ ...request, calldata: '0x12345678' })).toMatchObject({ code: 'VALIDATION_FAILED' })
  const foreign: TransactionRequest = { type: 'CONTRACT_CALL', programId: other, instructionData: '', accounts: [] }
  expect(await draft(foreign)).toMatchObject({ code: 'VALIDATION_FAILED' })
})

test('several calls at once are not for a plain account', async () => {
  const instructions = [
    { to: other, amount: '1' },
    { to: other, amount: '2' },
  ]
  expect(await draft({ type: 'BATCH', instructions })).toMatchObject({ code: 'BATCH_NOT_SUPPORTED' })
})

test('tokens that leave by an unknown call are a spend', async () => {
  const thief = newEvmKey().account.address as `0x${string}`
  await setCode(
    node.rpcUrl,
    thief,
    calling(token, calldata('transferFrom(address,address,uint256)', wallet, thief, 11n)),
  )
  await anvil(node.rpcUrl, 'eth_sendTransaction', {
    from: wallet,
    to: token,
    data: calldata('approve(address,uint256)', thief, 100n),
  })
  await node.control.mine(1)
  expect(await call(thief, '0xdeadbeef')).toMatchObject({
    effects: [
      { kind: 'call', target: thief, selector: '0xdeadbeef' },
      { kind: 'spend', asset: usd(), amount: 11n, to: thief },
    ],
    changes: [{ account: wallet, asset: usd() }],
  })
})

test('where the node cannot simulate, a call is opaque and a plain token transfer is not', async () => {
  const action = { kind: 'refuse', error: { code: -32601, message: 'the method does not exist' } } as const
  await node.control.misbehave({ method: 'eth_simulateV1', times: 'always', action })
  expect(await call(box, calldata('store(uint256)', 1n))).toMatchObject({
    effects: [{ kind: 'call' }, { kind: 'opaque', why: expect.stringContaining('cannot simulate') }],
  })
  expect(await send()).toMatchObject({ effects: [{ kind: 'spend', amount: 5n }] })
  const silent = await contract({ ...liar, 'transfer(address,uint256)': uint(0n) })
  expect(await send({ token: { address: silent } })).toMatchObject({ code: 'SIMULATION_FAILED' })
  await node.control.behave()
})
