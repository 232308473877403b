import { formatUnits, type NetworkName, networkOf } from '@waiaas/core'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { fail } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import type { Agents } from '../services/agents.ts'

export type WalletParts = { agents: Agents; adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance'>> }

/** What a session may read of its own agent. */
export function walletHandlers(parts: WalletParts): Pick<Handlers, 'wallet' | 'walletAddress' | 'walletBalance'> {
  const { agents, adapters } = parts
  return {
    wallet: async ({ identity }) => {
      const { id, name, status, defaultNetwork, wallets } = await agents.get(identity.agentId)
      return { status: 200, body: { agentId: id, name, status, defaultNetwork, wallets } }
    },
    walletAddress: async ({ identity, query }) => {
      const { network, address } = await agents.walletOn(identity.agentId, query.network)
      const chain = networkOf(network).family
      return { status: 200, body: { agentId: identity.agentId, network, chain, address } }
    },
    walletBalance: async ({ identity, query }) => {
      const { network, address } = await agents.walletOn(identity.agentId, query.network)
      const result = await adapters.get(network)!.balance(address)
      if (!result.ok) throw fail('CHAIN_ERROR', `The node of ${network} did not tell the balance: ${result.message}`)
      const { symbol, decimals } = networkOf(network).native
      const balance = result.amount.toString()
      const humanBalance = formatUnits(result.amount, decimals)
      return { status: 200, body: { network, address, balance, humanBalance, symbol, decimals } }
    },
  }
}
