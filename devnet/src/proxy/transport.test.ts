import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EvmNode, startEvmNode } from '../evm-node.ts'
import type { Transport } from '../personalities/evm-personality.ts'
import { evmPersonalities, solanaPersonalities } from '../personalities/personalities.ts'
import { type SolanaNode, startSolanaNode } from '../solana-node.ts'
import { post } from './evm-proxy.fixture.ts'
import { startEvmProxy } from './evm-proxy.ts'
import { startSolanaProxy } from './solana-proxy.ts'

let evm: EvmNode
let solana: SolanaNode

beforeAll(async () => {
  ;[evm, solana] = await Promise.all([startEvmNode({}), startSolanaNode({})])
})
afterAll(() => Promise.all([evm.stop(), solana.stop()]))

const everyone = [
  ...Object.values(evmPersonalities).map((personality) => ({
    name: personality.name,
    rules: personality as Transport,
    method: 'eth_chainId',
    start: () => startEvmProxy({ upstream: evm.rpcUrl, personality }),
  })),
  ...Object.values(solanaPersonalities).map((personality) => ({
    name: personality.name,
    rules: personality as Transport,
    method: 'getHealth',
    start: () => startSolanaProxy({ upstream: solana.rpcUrl, personality }),
  })),
]

describe.each(everyone)('$name', ({ rules, method, start }) => {
  const call = (id: unknown) => ({ jsonrpc: '2.0', id, method, params: [] })

  test('takes batches up to its limit, in order, with the ids that it was given', async () => {
    const node = await start()
    const { limit, refusal } = rules.batch
    const size = Math.min(limit ?? 3, 3)
    if (size > 0) {
      const ids = ['a', 7, 'c'].slice(0, size)
      const answers = await (await post(node.rpcUrl, ids.map(call))).json()
      expect(answers).toEqual(ids.map((id) => ({ jsonrpc: '2.0', id, result: expect.anything() })))
    }
    if (limit !== undefined) {
      const refused = await post(
        node.rpcUrl,
        Array.from({ length: limit + 1 }, (_, id) => call(id)),
      )
      expect(refused.status).toBe(refusal?.status)
      const text = await refused.text()
      if (refusal?.error) expect(text).toContain(`"code":${refusal.error.code}`)
      else expect(text).toBe(refusal?.body)
    }
    await node.stop()
  })

  test('throttles in each of its ways, and no longer than told', async () => {
    const node = await start()
    for (const [way, refusal] of rules.throttling.entries()) {
      await node.control.act({ kind: 'throttle', way })
      const response = await post(node.rpcUrl, call(3))
      expect(response.status).toBe(refusal.status)
      expect(response.headers.get('retry-after')).toBe(refusal.retryAfterSeconds?.toString() ?? null)
      const text = await response.text()
      if (refusal.error) expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 3, error: refusal.error })
      else expect(text).toBe(refusal.body)
      expect(await (await post(node.rpcUrl, call(4))).json()).toMatchObject({ id: 4, result: expect.anything() })
    }
    await node.stop()
  })
})

test('infura answers a batch by the error of one call', async () => {
  const node = await startEvmProxy({ upstream: evm.rpcUrl, personality: evmPersonalities.infura })
  const batch = ['eth_chainId', 'eth_none'].map((method, id) => ({ jsonrpc: '2.0', id, method, params: [] }))
  expect(await (await post(node.rpcUrl, batch)).json()).toMatchObject({ id: 1, error: { code: expect.any(Number) } })
  await node.stop()
})

test('answers of a batch come in another order, and ids as texts', async () => {
  const node = await startEvmProxy({ upstream: evm.rpcUrl, personality: evmPersonalities.geth })
  await node.control.act({ kind: 'answers', are: 'reversed' })
  await node.control.act({ kind: 'answers', are: 'withTextIds' })
  const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'eth_chainId', params: [] }))
  const ids = async () => ((await (await post(node.rpcUrl, batch)).json()) as { id: unknown }[]).map(({ id }) => id)
  expect(await ids()).toEqual(['2', '1'])
  await node.control.act({ kind: 'heal' })
  expect(await ids()).toEqual([1, 2])
  await node.stop()
})
