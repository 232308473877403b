import type { AgentView } from '@waiaas/core'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { hashMessage } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testAdapters } from '../chains/test-adapters.fixture.ts'
import { answerOwner, askOwner } from './testing/owner.ts'
import { told } from './testing/real-engine.ts'
import { startHttp, type TestHttp } from './testing/start-http.ts'

const CONTRACT = '0x00000000000000000000000000000000000C0DE0'
/** Says yes by ERC-1271 to a signature that is the hash itself. */
const CODE = '0x60043560643514631626ba7e0260e01b60005260206000f3'

let node: EvmNode
let http: TestHttp

beforeAll(async () => {
  node = await startEvmNode({})
  await rpc('anvil_setCode', [CONTRACT.toLowerCase(), CODE])
  const adapters = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])
  http = await startHttp({ chains: new Map(adapters.map((adapter) => [adapter.network.name, adapter])) })
})
afterAll(async () => {
  await http?.close()
  await node?.stop()
})

async function rpc(method: string, params: unknown[]): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(node.rpcUrl, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  expect(await answer.json()).not.toHaveProperty('error')
}

async function verify(ownerAddress: string, signatureOf: (hash: string) => string): Promise<string> {
  const agent = await http.operate<AgentView>('POST', '/v1/agents', { name: 'of a contract', ownerAddress })
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
