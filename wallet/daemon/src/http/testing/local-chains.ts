import { newId } from '@openpista/common'
import type { Address } from '@solana/addresses'
import { type AgentView, checksumAddress, type NetworkName } from '@waiaas/core'
import {
  createSplMint,
  deployErc20,
  type EvmNode,
  type SolanaNode,
  startEvmNode,
  startSolanaNode,
} from '@waiaas/devnet'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { testAdapters } from '../../chains/test-adapters.fixture.ts'
import { post, startHttp, type TestHttp } from './start-http.ts'

export type LocalChains = {
  http: TestHttp
  adapters: ReadonlyMap<NetworkName, ChainAdapter>
  evm: EvmNode
  solana: SolanaNode
  /** A token with 6 decimals on each chain. */
  tokens: { evm: string; solana: string }
  giveSolanaToken: (owner: string, amount: bigint) => Promise<void>
  close: () => Promise<void>
}

/** The HTTP surface over the real engine, an EVM node and a Solana node. */
export async function startLocalChains(): Promise<LocalChains> {
  const [evm, solana] = await Promise.all([startEvmNode({}), startSolanaNode({ slotMs: 100 })])
  const places = { 'evm-local': evm.rpcUrl, 'solana-local': solana.rpcUrl } as const
  const adapters = testAdapters(
    (Object.keys(places) as (keyof typeof places)[]).map((network) => ({ network, rpcUrls: [places[network]] })),
  )
  const chains = new Map(
    adapters.map((adapter): [NetworkName, (typeof adapters)[number]] => [adapter.network.name, adapter]),
  )
  const http = await startHttp({ chains })
  const owner = '0x00000000000000000000000000000000000000dd'
  const erc20 = { rpcUrl: evm.rpcUrl, name: 'Dollar', symbol: 'USDX', decimals: 6, supply: 10n ** 12n, owner } as const
  const mint = await createSplMint({ rpcUrl: solana.rpcUrl, wsUrl: solana.wsUrl, control: solana.control, decimals: 6 })
  return {
    http,
    adapters: chains,
    evm,
    solana,
    tokens: { evm: checksumAddress(await deployErc20(erc20)), solana: mint.address },
    giveSolanaToken: async (to, amount) => void (await mint.mintTo(to as Address, amount)),
    close: async () => {
      await http.close()
      await Promise.all([evm.stop(), solana.stop()])
    },
  }
}

export type Payer = { id: string; token: string; evm: string; solana: string }

/** An agent with 10 coins on each chain that may pay up to `max` base units of each at once, and a session. */
export async function fundedAgent(
  { http, evm, solana }: LocalChains,
  rules: Record<string, unknown>,
  agent: Record<string, unknown> = {},
): Promise<Payer> {
  const made = await http.operate<AgentView>('POST', '/v1/agents', { name: `payer ${newId()}`, ...agent })
  const address = (chain: string) => made.wallets.find((wallet) => wallet.chain === chain)!.address
  await evm.control.fund(address('evm'), 10n * 10n ** 18n)
  await solana.control.fund(address('solana'), 10n * 10n ** 9n)
  await http.operate('POST', '/v1/policies', { agentId: made.id, type: 'SPENDING_LIMIT', rules })
  const first = { agentId: made.id, type: 'COUNTERPARTY', rules: { first_payment: 'INSTANT' } }
  await http.operate('POST', '/v1/policies', first)
  const { token } = await http.operate<{ token: string }>('POST', '/v1/sessions', { agentId: made.id })
  return { id: made.id, token, evm: address('evm'), solana: address('solana') }
}

/** A POST with the agent's token and an idempotency key. */
export function ask(http: TestHttp, token: string, path: string, body: unknown, key: string = newId()) {
  return http.fetch(path, post(body, { Authorization: `Bearer ${token}`, 'Idempotency-Key': key }))
}
