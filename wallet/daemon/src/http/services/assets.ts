import {
  formatUnits,
  type HoldingView,
  humanUnits,
  type NetworkName,
  namedTokens,
  networkOf,
  policiesInForce,
  type WalletAssetsView,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { policiesOf } from '../../store/policies.ts'
import type { Tables } from '../../store/tables.ts'
import { listedTokens } from '../../store/tokens.ts'
import { fail } from '../fail.ts'

export type AssetParts = {
  db: Kysely<Tables>
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance' | 'holdings'>>
}

/**
 * What an agent's wallet has on a network: the native coin, and every token that is listed or that the agent's
 * policies name. Symbols and decimals are what the chain says now.
 *
 * @throws AppError CHAIN_ERROR.
 */
export async function assetsOf(
  { db, adapters }: AssetParts,
  agentId: string,
  { network, address }: { network: NetworkName; address: string },
): Promise<WalletAssetsView> {
  const adapter = adapters.get(network)!
  const listed = (await listedTokens(db, network)).map((token) => token.address)
  const named = namedTokens(policiesInForce(await policiesOf(db, agentId), agentId, network), network)
  const [balance, held] = await Promise.all([
    adapter.balance(address),
    adapter.holdings(address, [...new Set([...listed, ...named])]),
  ])
  if (!balance.ok) throw unanswered(network, balance.message)
  if (!held.ok) throw unanswered(network, held.message)
  const { native } = networkOf(network)
  const assets = [
    holding({ ...native, amount: balance.amount }),
    ...held.holdings.toSorted((a, b) => (a.address < b.address ? -1 : 1)).map(holding),
  ]
  return { network, address, assets }
}

type Held = Omit<HoldingView, 'balance' | 'humanBalance' | 'unscaledBalance'> & { amount: bigint }

function holding({ amount, ...asset }: Held): HoldingView {
  const unscaled = asset.multiplier === undefined ? {} : { unscaledBalance: formatUnits(amount, asset.decimals) }
  return { ...asset, balance: amount.toString(), humanBalance: humanUnits(amount, asset), ...unscaled }
}

function unanswered(network: NetworkName, message: string) {
  return fail('CHAIN_ERROR', `The node of ${network} did not tell the balance: ${message}`)
}
