import { newId } from '@openpista/common'
import type { AgentView } from '@waiaas/core'
import { deployOwnerFactory, type EvmNode, OWNER_FACTORY_ABI, startEvmNode } from '@waiaas/devnet'
import {
  concat,
  createPublicClient,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  hashMessage,
  http as overHttp,
} from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NodeProxy, startNodeProxy } from '../chains/node-proxy.fixture.ts'
import { testAdapters } from '../chains/test-adapters.fixture.ts'
import { answerOwner, askOwner } from './testing/owner.ts'
import { told } from './testing/real-engine.ts'
import { startHttp, type TestHttp } from './testing/start-http.ts'

const CONTRACT = '0x00000000000000000000000000000000000C0DE0'
/** Says yes by ERC-1271 to a signature that is the hash itself. */
const CODE = '0x60043560643514631626ba7e0260e01b60005260206000f3'

let node: EvmNode
let proxy: NodeProxy
let http: TestHttp

beforeAll(async () => {
  node = await startEvmNode({})
  await rpc('anvil_setCode', [CONTRACT.toLowerCase(), CODE])
  proxy = await startNodeProxy(node.rpcUrl)
  const adapters = testAdapters([{ network: 'evm-local', rpcUrls: [proxy.url] }])
  http = await startHttp({ chains: new Map(adapters.map((adapter) => [adapter.network.name, adapter])) })
})
afterAll(async () => {
  await http?.close()
  await proxy?.close()
  await node?.stop()
})

async function rpc(method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(node.rpcUrl, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  const said = (await answer.json()) as { result: unknown }
  expect(said).not.toHaveProperty('error')
  return said.result
}

async function verify(ownerAddress: string, signatureOf: (hash: string) => string): Promise<string> {
  const agent = await http.operate<AgentView>('POST', '/v1/agents', { name: `of a contract ${newId()}`, ownerAddress })
  const asked = await askOwner(http, 'verify', agent.id)
  const signature = signatureOf(hashMessage(asked.message))
  return await told(await answerOwner(http, 'POST', `/v1/agents/${agent.id}/owner/verify`, asked, signature))
}

test('a contract on a named network signs by its own rules', async () => {
  const account = `eip155:31337:${CONTRACT.toLowerCase()}`
  expect(await verify(account, (hash) => hash)).toBe('ok')
  expect(await verify(account, (hash) => `${hash}00ff`), 'longer than a word').toBe('ok')
  expect(await verify(account, () => `0x${'11'.repeat(65)}`)).toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, () => 'no hex')).toBe('401 INVALID_SIGNATURE')
})

test('an address that is named without a network is never asked as a contract', async () => {
  expect(await verify(CONTRACT.toLowerCase(), (hash) => hash)).toBe('401 INVALID_SIGNATURE')
})

test('an account without code, and a network that is not served, sign nothing', async () => {
  const nobody = `eip155:31337:0x${'12'.repeat(20)}`
  expect(await verify(nobody, (hash) => hash)).toBe('401 INVALID_SIGNATURE')
  expect(await verify(`eip155:84532:${CONTRACT.toLowerCase()}`, (hash) => hash)).toBe('502 CHAIN_ERROR')
})

test.each([
  { code: -32016, message: 'over rate limit' },
  { code: -32603, message: 'Internal error' },
  { code: -32000, message: 'header not found' },
  { code: 429, message: 'compute units exceeded' },
  { code: -32000, message: 'something that nobody has heard of' },
])('a node that fails with %j does not make a signature wrong', async (error) => {
  const account = `eip155:31337:${CONTRACT.toLowerCase()}`
  const [first, second] = [await startNodeProxy(node.rpcUrl), await startNodeProxy(node.rpcUrl)]
  const adapters = testAdapters([{ network: 'evm-local', rpcUrls: [first.url, second.url] }])
  const contractSigned = async () => {
    const hash = Buffer.alloc(32, 7)
    return await adapters[0]!.contractSigned!(CONTRACT, hash, hash)
  }
  first.refuse({ eth_call: error })
  expect(await contractSigned(), 'the second node is asked').toEqual({ ok: true, signed: true })
  second.refuse({ eth_call: error })
  expect(await contractSigned()).toMatchObject({ ok: false })
  await Promise.all([adapters[0]!.close(), first.close(), second.close()])

  proxy.refuse({ eth_call: error })
  expect(await verify(account, (hash) => hash)).toBe('502 CHAIN_ERROR')
  proxy.refuse({})
})

test('a contract that is not deployed yet signs by a wrapped signature, and plainly once it is', async () => {
  const client = createPublicClient({ transport: overHttp(node.rpcUrl) })
  const factory = await deployOwnerFactory({ rpcUrl: node.rpcUrl })
  const salt = `0x${'07'.repeat(32)}` as const
  const contract = { address: factory, abi: OWNER_FACTORY_ABI, args: [salt] } as const
  const owner = await client.readContract({ ...contract, functionName: 'addressOf' })
  const make = encodeFunctionData({ abi: OWNER_FACTORY_ABI, functionName: 'make', args: [salt] })
  const types = [{ type: 'address' }, { type: 'bytes' }, { type: 'bytes' }] as const
  const wrap = (signature: string, data: Hex = make) =>
    concat([encodeAbiParameters(types, [factory, data, signature as Hex]), `0x${'6492'.repeat(16)}`])
  const account = `eip155:31337:${owner.toLowerCase()}`
  const other = make.replace(/07/g, '08') as Hex

  expect(await verify(account, (hash) => hash), 'without code').toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, () => wrap(`0x${'11'.repeat(32)}`)), 'another hash').toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, () => wrap('0x')), 'a revert').toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, (hash) => wrap(hash, other)), 'another account').toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, () => `0x12${'6492'.repeat(16)}`), 'nothing wrapped').toBe('401 INVALID_SIGNATURE')
  expect(await verify(account, (hash) => wrap(hash))).toBe('ok')
  expect(await client.getCode({ address: owner }), 'asking deploys nothing').toBeUndefined()

  const [from] = (await rpc('eth_accounts', [])) as [string]
  await rpc('eth_sendTransaction', [{ from, to: factory, data: make }])
  await expect.poll(() => client.getCode({ address: owner })).toBeDefined()
  expect(await verify(account, (hash) => hash)).toBe('ok')
  expect(await verify(account, (hash) => wrap(hash)), 'still wrapped').toBe('ok')
  expect(await verify(account, () => wrap(`0x${'11'.repeat(32)}`))).toBe('401 INVALID_SIGNATURE')
})
