import type { AgentView, WalletAssetsView } from '@waiaas/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anvil } from '../chains/evm/contracts.fixture.ts'
import { fundedAgent, type LocalChains, type Payer, startLocalChains } from './testing/local-chains.ts'
import { post } from './testing/start-http.ts'

let local: LocalChains
let payer: Payer

beforeAll(async () => {
  local = await startLocalChains()
  payer = await fundedAgent(local, { instant_max: '1' })
})
afterAll(() => local?.close())

const bearer = () => ({ Authorization: `Bearer ${payer.token}` })
const admin = () => ({ Authorization: `Bearer ${local.http.adminToken}` })

async function assets(network: string): Promise<WalletAssetsView['assets']> {
  const answer = await local.http.fetch(`/v1/wallet/assets?network=${network}`, { headers: bearer() })
  return ((await answer.json()) as WalletAssetsView).assets
}

async function told(answer: Response): Promise<[number, string | undefined]> {
  const { code } = (await answer.json()) as { code?: string }
  return [answer.status, code]
}

const add = (body: unknown) => local.http.fetch('/v1/tokens', post(body, admin()))
const remove = (query: string) => local.http.fetch(`/v1/tokens?${query}`, { method: 'DELETE', headers: admin() })

describe('the list of tokens', () => {
  test('takes symbol and decimals from the chain, once, and shows balances in both units', async () => {
    const { evm, solana } = local.tokens
    expect(await assets('evm-local')).toEqual([
      { symbol: 'ETH', decimals: 18, balance: `${10n ** 19n}`, humanBalance: '10' },
    ])
    const lower = await add({ network: 'eip155:31337', address: evm.toLowerCase() })
    const token = { network: 'evm-local', address: evm, symbol: 'USDX', decimals: 6 }
    expect([lower.status, await lower.json()]).toMatchObject([201, token])
    expect((await add({ network: 'evm-local', address: evm })).status).toBe(201)
    expect((await add({ network: 'solana-local', address: solana })).status).toBe(201)

    const issuer = '0x00000000000000000000000000000000000000dd'
    await anvil(local.evm.rpcUrl, 'anvil_impersonateAccount', issuer)
    await anvil(local.evm.rpcUrl, 'anvil_setBalance', issuer, '0xde0b6b3a7640000')
    const data = `0xa9059cbb${payer.evm.slice(2).toLowerCase().padStart(64, '0')}${(1_500_000).toString(16).padStart(64, '0')}`
    await anvil(local.evm.rpcUrl, 'eth_sendTransaction', { from: issuer, to: evm, data })
    await anvil(local.evm.rpcUrl, 'evm_mine')
    await local.giveSolanaToken(payer.solana, 2_500_000n)

    const dollars = { address: evm, symbol: 'USDX', decimals: 6, balance: '1500000', humanBalance: '1.5' }
    expect((await assets('evm-local')).slice(1)).toEqual([dollars])
    const mints = { address: solana, decimals: 6, balance: '2500000', humanBalance: '2.5' }
    expect((await assets('solana-local')).slice(1)).toMatchObject([mints])

    const listed = (await (await local.http.fetch('/v1/tokens?network=evm-local', { headers: bearer() })).json()) as {
      items: unknown[]
    }
    expect(listed.items).toMatchObject([token])
    const { items: log } = await local.http.operate<{ items: { type: string }[] }>(
      'GET',
      '/v1/admin/audit?type=TOKEN_ADDED&limit=1000',
      undefined,
    )
    expect(log).toHaveLength(2)

    expect((await remove(`network=evm-local&address=${evm.toLowerCase()}`)).status).toBe(200)
    expect(await told(await remove(`network=evm-local&address=${evm}`))).toEqual([404, 'TOKEN_NOT_FOUND'])
    expect(await assets('evm-local')).toHaveLength(1)
  })

  test('a token that a policy names is shown without being listed', async () => {
    const rules = { tokens: [{ address: local.tokens.evm.toLowerCase() }, { address: local.tokens.solana }] }
    await local.http.operate('POST', '/v1/policies', { agentId: payer.id, type: 'ALLOWED_TOKENS', rules })
    expect((await assets('evm-local'))[1]).toMatchObject({ address: local.tokens.evm, symbol: 'USDX' })
  })

  test.each<[string, Record<string, unknown>, number, string]>([
    [
      'an address without a contract',
      { address: '0x00000000000000000000000000000000000000AA' },
      404,
      'TOKEN_NOT_FOUND',
    ],
    ['a wrong checksum', { address: '0x00000000000000000000000000000000000000aA' }, 400, 'INVALID_ADDRESS'],
    ['an address of another chain', { address: 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae' }, 400, 'INVALID_ADDRESS'],
    ['a network of the other environment', { network: 'base-mainnet' }, 400, 'ENVIRONMENT_NETWORK_MISMATCH'],
    ['a network without a node', { network: 'base-sepolia' }, 400, 'CHAIN_NOT_SUPPORTED'],
    ['an unknown network', { network: 'evm-locаl' }, 400, 'VALIDATION_FAILED'],
    ['other decimals than the chain says', { decimals: 18 }, 400, 'VALIDATION_FAILED'],
    ['another symbol than the chain says', { symbol: 'ETH' }, 400, 'VALIDATION_FAILED'],
    ['decimals in words', { decimals: '6' }, 400, 'VALIDATION_FAILED'],
    ['an unknown field', { admin: true }, 400, 'VALIDATION_FAILED'],
    ['NUL in the address', { address: '0x00\u0000' }, 400, 'INVALID_ADDRESS'],
  ])('%s is refused', async (_, change, status, code) => {
    const answer = await add({ network: 'evm-local', address: local.tokens.evm, ...change })
    expect(await told(answer)).toEqual([status, code])
  })

  test('a node that does not answer is told, and hides nothing of the others', async () => {
    await local.evm.control.misbehave({ method: '*', times: 'always', action: { kind: 'refuse', status: 503 } })
    try {
      const answer = await local.http.fetch('/v1/wallet/assets?network=evm-local', { headers: bearer() })
      expect(await told(answer)).toEqual([502, 'CHAIN_ERROR'])
      const wallet = await local.http.fetch('/v1/wallet?include=balances', { headers: bearer() })
      expect(await wallet.json()).toMatchObject({
        balances: [
          { network: 'evm-local', fault: expect.stringContaining('evm-local') },
          { network: 'solana-local', assets: [{ symbol: 'SOL', humanBalance: '10' }, { balance: '2500000' }] },
        ],
      })
    } finally {
      await local.evm.control.behave()
    }
  })
})

describe('calldata', () => {
  const abi = [
    {
      type: 'function',
      name: 'transfer',
      inputs: [
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
      ],
    },
  ]
  const encode = (body: unknown) => local.http.fetch('/v1/utils/encode-calldata', post(body, bearer()))
  const to = '0x00000000000000000000000000000000000000AA'

  test('is what a contract reads', async () => {
    const answer = await encode({ abi, functionName: 'transfer', args: [to, `${2n ** 256n - 1n}`] })
    const calldata = `0xa9059cbb${to.slice(2).toLowerCase().padStart(64, '0')}${'f'.repeat(64)}`
    expect([answer.status, await answer.json()]).toEqual([200, { calldata, selector: '0xa9059cbb' }])
  })

  test.each<[string, unknown]>([
    ['above the type', `${2n ** 256n}`],
    ['negative', '-1'],
    ['a fraction', 1.5],
    ['with a plus', '+1'],
    ['in other digits', '１'],
    ['no number', null],
    ['endless', '1e309'],
  ])('a number that is %s is refused', async (_, value) => {
    expect(await told(await encode({ abi, functionName: 'transfer', args: [to, value] }))).toEqual([
      400,
      'ABI_ENCODING_FAILED',
    ])
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown function', { functionName: 'mint' }, 'ABI_ENCODING_FAILED'],
    ['a name of the prototype', { functionName: 'constructor' }, 'ABI_ENCODING_FAILED'],
    ['too few arguments', { args: [to] }, 'ABI_ENCODING_FAILED'],
    ['no ABI', { abi: [] }, 'VALIDATION_FAILED'],
    ['a bad checksum', { args: ['0x00000000000000000000000000000000000000aA', '1'] }, 'ABI_ENCODING_FAILED'],
    ['an ABI of nonsense', { abi: [{ type: 'function', name: 'transfer', inputs: 7 }] }, 'ABI_ENCODING_FAILED'],
    [
      'an ABI type of nonsense',
      { abi: [{ type: 'function', name: 'transfer', inputs: [{ type: 'uint9999' }] }], args: ['1'] },
      'ABI_ENCODING_FAILED',
    ],
  ])('%s is refused', async (_, change, code) => {
    const body = { abi, functionName: 'transfer', args: [to, '1'], ...change }
    expect(await told(await encode(body))).toEqual([400, code])
  })
})

test('an agent gets a key on another chain once', async () => {
  const made = await local.http.operate<AgentView>('POST', '/v1/agents', { name: 'one chain', chains: ['evm'] })
  expect(made.wallets).toHaveLength(1)
  const both = await local.http.operate<AgentView>('POST', `/v1/agents/${made.id}/wallets`, { chain: 'solana' })
  expect(both.wallets.map(({ chain }) => chain).toSorted()).toEqual(['evm', 'solana'])
  const again = await local.http.operate<AgentView>('POST', `/v1/agents/${made.id}/wallets`, { chain: 'solana' })
  expect(again.wallets).toEqual(both.wallets)
  const other = await local.http.fetch(`/v1/agents/${made.id}/wallets`, post({ chain: 'bitcoin' }, admin()))
  expect(await told(other)).toEqual([400, 'VALIDATION_FAILED'])
})
