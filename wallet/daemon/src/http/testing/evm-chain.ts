import { newId } from '@openpista/common'
import { type AgentView, type NetworkName, networkOf } from '@waiaas/core'
import { type EvmNode, type EvmPersonality, startEvmNode, startEvmProxy } from '@waiaas/devnet'
import { type NodeProxy, startNodeProxy } from '../../chains/node-proxy.fixture.ts'
import { testAdapters } from '../../chains/test-adapters.fixture.ts'
import { ask } from './local-chains.ts'
import { startHttp, type TestHttp } from './start-http.ts'

export type EvmPayer = { id: string; token: string; address: `0x${string}` }
/** What a call answers. */
export type Answered = { status: number; body: Record<string, unknown> & { code?: string; id: string } }

export type EvmChain = {
  http: TestHttp
  evm: EvmNode
  /** What the daemon asks; the node behind it can be made to look like another. */
  node: NodeProxy
  /** An agent with 10 coins, these policies beside a COUNTERPARTY that raises nothing, and a session. */
  payer: (
    policies: Record<string, Record<string, unknown>>,
    more?: { agent?: Record<string, unknown>; session?: Record<string, unknown> },
  ) => Promise<EvmPayer>
  /** A POST to a path under /v1/transactions. */
  ask: (
    payer: EvmPayer,
    path: 'send' | 'sign' | 'simulate',
    body: Record<string, unknown>,
    key?: string,
  ) => Promise<Answered>
  read: (payer: EvmPayer, id: string) => Promise<Answered['body']>
  close: () => Promise<void>
}

/** The HTTP surface over the real engine and one EVM node, which serves this network and behaves as a client does. */
export async function startEvmChain(
  network: NetworkName = 'evm-local',
  personality?: EvmPersonality,
): Promise<EvmChain> {
  const evm = await startEvmNode({ chainId: networkOf(network).chainId! })
  const client = personality && (await startEvmProxy({ upstream: evm.rpcUrl, personality }))
  const node = await startNodeProxy((client ?? evm).rpcUrl)
  const [adapter] = testAdapters([{ network, rpcUrls: [node.url] }])
  const http = await startHttp({ chains: new Map([[network, adapter!]]) })
  return {
    http,
    evm,
    node,
    payer: async (policies, { agent, session } = {}) => {
      const made = await http.operate<AgentView>('POST', '/v1/agents', { name: `payer ${newId()}`, ...agent })
      const address = made.wallets.find(({ chain }) => chain === 'evm')!.address as `0x${string}`
      await evm.control.fund(address, 10n * 10n ** 18n)
      const all = { COUNTERPARTY: { first_payment: 'INSTANT' }, ...policies }
      for (const [type, rules] of Object.entries(all)) {
        await http.operate('POST', '/v1/policies', { agentId: made.id, type, rules })
      }
      const { token } = await http.operate<{ token: string }>('POST', '/v1/sessions', { agentId: made.id, ...session })
      return { id: made.id, token, address }
    },
    ask: async ({ token }, path, body, key = newId()) => {
      const answer = await ask(http, token, `/v1/transactions/${path}`, { network, ...body }, key)
      return { status: answer.status, body: (await answer.json()) as Answered['body'] }
    },
    read: async ({ token }, id) => {
      const answer = await http.fetch(`/v1/transactions/${id}`, { headers: { Authorization: `Bearer ${token}` } })
      return (await answer.json()) as Answered['body']
    },
    close: async () => {
      await http.close()
      await node.close()
      await client?.stop()
      await evm.stop()
    },
  }
}
