import { type ErrorCode, formatUnits, type NetworkName, networkOf, type WalletView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import type { Tables } from '../../store/tables.ts'
import { fail, isWireError } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import type { Agents } from '../services/agents.ts'
import { assetsOf } from '../services/assets.ts'
import type { Tokens } from '../services/tokens.ts'

export type WalletParts = {
  db: Kysely<Tables>
  agents: Agents
  tokens: Tokens
  encodeCalldata: EncodeCalldata
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance' | 'holdings'>>
}

/** Calldata for a function of an ABI, or why there is none. */
export type EncodeCalldata = (
  abi: readonly unknown[],
  functionName: string,
  args: readonly unknown[],
) => { ok: true; calldata: string; selector: string } | { ok: false; code: ErrorCode; message: string }

type Names =
  | 'wallet'
  | 'walletAddress'
  | 'walletBalance'
  | 'walletAssets'
  | 'listTokens'
  | 'addToken'
  | 'removeToken'
  | 'encodeCalldata'

/** What a session may read of its own agent, and the list of tokens. */
export function walletHandlers(parts: WalletParts): Pick<Handlers, Names> {
  const { agents, adapters, tokens } = parts
  return {
    wallet: async ({ identity, query }) => {
      const { id, name, status, defaultNetwork, wallets } = await agents.get(identity.agentId)
      const balances = query.include === undefined ? {} : { balances: await balancesOf(parts, id, wallets) }
      return { status: 200, body: { agentId: id, name, status, defaultNetwork, wallets, ...balances } }
    },
    walletAssets: async ({ identity, query }) => {
      const wallet = await agents.walletOn(identity.agentId, query.network)
      return { status: 200, body: await assetsOf(parts, identity.agentId, wallet) }
    },
    listTokens: async ({ query }) => ({ status: 200, body: { items: await tokens.list(query.network) } }),
    addToken: async ({ body }) => ({ status: 201, body: await tokens.add(body) }),
    removeToken: async ({ query }) => {
      await tokens.remove(query.network, query.address)
      return { status: 200, body: { ok: true } }
    },
    encodeCalldata: async ({ body }) => {
      const encoded = parts.encodeCalldata(body.abi, body.functionName, body.args)
      if (!encoded.ok) throw fail(encoded.code, encoded.message)
      return { status: 200, body: { calldata: encoded.calldata, selector: encoded.selector } }
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

/** What every wallet has on every network; a node that does not answer hides nothing of the others. */
async function balancesOf(parts: WalletParts, agentId: string, wallets: readonly WalletView[]) {
  const places = wallets.flatMap(({ address, networks }) =>
    networks.map((network) => ({ network: network as NetworkName, address })),
  )
  return await Promise.all(
    places.map(async (place) => {
      try {
        return await assetsOf(parts, agentId, place)
      } catch (error) {
        if (!isWireError(error)) throw error
        return { ...place, fault: error.message }
      }
    }),
  )
}
