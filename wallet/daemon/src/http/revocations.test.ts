import { checksumAddress } from '@waiaas/core'
import { deployErc20, deployItems } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answering, calldata, setCode, text, uint } from '../chains/evm/contracts.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const SPENDER = '0x00000000000000000000000000000000000000AA'
const OTHER = '0x00000000000000000000000000000000000000bb'
const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'
const TOKEN = '0x0000000000000000000000000000000000001001'
const NO_TOKEN = '0x0000000000000000000000000000000000001002'

let chain: EvmChain
let items: `0x${string}`
let dollar: `0x${string}`

beforeAll(async () => {
  chain = await startEvmChain()
  const { rpcUrl } = chain.evm
  const owner = OTHER
  items = await deployItems({ rpcUrl, count: 1n, owner })
  dollar = await deployErc20({ rpcUrl, name: 'Dollar', symbol: 'USDX', decimals: 6, supply: 1n, owner })
  // A token of an older kind, one that is none, and the methods of Permit2: all take every call.
  const methods = ['decreaseAllowance(address,uint256)', 'decreaseApproval(address,uint256)', 'revokeOperator(address)']
  const taking = Object.fromEntries(methods.map((method) => [method, uint(1n)]))
  const described = { 'decimals()': uint(6n), 'symbol()': text('OLD'), 'authorizeOperator(address)': uint(1n) }
  await setCode(rpcUrl, TOKEN, answering({ ...taking, ...described }))
  await setCode(rpcUrl, NO_TOKEN, answering(taking))
  await setCode(rpcUrl, PERMIT2, '0x00')
})
afterAll(() => chain?.close())

const usual = { SPENDING_LIMIT: { instant_max: `${10n ** 18n}` } }
/** Lists that name somebody else. */
const others = {
  ...usual,
  APPROVED_SPENDERS: { spenders: [{ address: OTHER }] },
  WHITELIST: { allowed_addresses: [OTHER] },
  COUNTERPARTY: { first_payment: 'DENY', look_alike: 'DENY' },
}

const call = (to: string, data: string) => ({ type: 'CONTRACT_CALL', to, calldata: data })
const told = async (payer: EvmPayer, body: Record<string, unknown>) => {
  const answer = await chain.ask(payer, 'simulate', body)
  return answer.body.code ?? answer.body.tier
}

const revocations: [string, () => Record<string, unknown>][] = [
  ['approve of 0', () => ({ type: 'APPROVE', spender: SPENDER, token: { address: dollar }, amount: '0' })],
  ['approve of 0 as a call', () => call(dollar, calldata('approve(address,uint256)', SPENDER, 0n))],
  ['decreaseAllowance', () => call(TOKEN, calldata('decreaseAllowance(address,uint256)', SPENDER, 5n))],
  ['decreaseApproval', () => call(TOKEN, calldata('decreaseApproval(address,uint256)', SPENDER, 5n))],
  ['setApprovalForAll(false)', () => call(items, calldata('setApprovalForAll(address,bool)', SPENDER, false))],
  ['revokeOperator', () => call(TOKEN, calldata('revokeOperator(address)', SPENDER))],
  [
    'approve of 0 at Permit2',
    () => call(PERMIT2, calldata('approve(address,address,uint160,uint48)', dollar, SPENDER, 0n, 0)),
  ],
  [
    'lockdown at Permit2',
    () =>
      call(PERMIT2, calldata('lockdown((address token, address spender)[])', [{ token: dollar, spender: SPENDER }])),
  ],
]

describe.each(revocations)('%s', (_, request) => {
  test('is allowed whatever the lists say', async () => {
    expect(await told(await chain.payer(others), request())).toBe('INSTANT')
    const constraints = { allowedDestinations: [OTHER] }
    expect(await told(await chain.payer(usual, { session: { constraints } }), request())).toBe('INSTANT')
  })
})

test('a right that is given is not', async () => {
  const payer = await chain.payer(others)
  const requests = [
    { type: 'APPROVE', spender: SPENDER, token: { address: dollar }, amount: '1' },
    call(TOKEN, calldata('authorizeOperator(address)', SPENDER)),
  ]
  for (const request of requests) expect(await told(payer, request)).toMatch(/SPENDER_NOT_APPROVED|UNLIMITED|DENIED/)
})

test('a spender who left the list loses the right in fact', async () => {
  const payer = await chain.payer({
    ...usual,
    APPROVED_SPENDERS: { spenders: [{ address: SPENDER }] },
    APPROVE_TIER_OVERRIDE: { tier: 'INSTANT' },
  })
  const approve = (amount: string) => ({ type: 'APPROVE', spender: SPENDER, token: { address: dollar }, amount })
  const confirmed = async (amount: string) => {
    const { body } = await chain.ask(payer, 'send', approve(amount))
    await expect.poll(async () => (await chain.read(payer, body.id)).status).toBe('CONFIRMED')
  }
  await confirmed('7')
  const { items: rows } = await chain.http.operate<{ items: { id: string; type: string; agentId: string }[] }>(
    'GET',
    '/v1/policies',
  )
  const list = rows.find(({ type, agentId }) => type === 'APPROVED_SPENDERS' && agentId === payer.id)!
  await chain.http.operate('PUT', `/v1/policies/${list.id}`, { rules: { spenders: [] } })
  expect(await told(payer, approve('7'))).toBe('SPENDER_NOT_APPROVED')
  await confirmed('0')
  const trial = await chain.ask(payer, 'simulate', approve('0'))
  expect(trial.body.effects).toMatchObject([{ kind: 'grant', amount: '0', spender: checksumAddress(SPENDER) }])
})

test('on a node that cannot simulate, only of what is known to be a token', async () => {
  const payer = await chain.payer(others)
  const decrease = (token: string) => call(token, calldata('decreaseAllowance(address,uint256)', SPENDER, 5n))
  expect(await told(payer, decrease(NO_TOKEN))).toBe('INSTANT')
  chain.node.pretend({ eth_simulateV1: 'nothing that can be read' })
  expect(await told(payer, decrease(NO_TOKEN))).toMatch(/DENIED/)
  expect(await told(payer, decrease(TOKEN))).toBe('INSTANT')
  chain.node.pretend({})
})
