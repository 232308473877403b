import { parseAddress } from '../address.ts'
import { type Asset, assetKey } from '../effect.ts'
import { findNetwork, networkOf } from '../network.ts'

/**
 * The names under which limits for an asset may be written, the most specific first:
 * `evm-local/native` or `base-mainnet/0x833…`, then for native coins `native:evm` and `native`.
 */
export function limitKeys(asset: Pick<Asset, 'network' | 'address'>): string[] {
  const exact = assetKey(asset)
  return asset.address === undefined ? [exact, `native:${networkOf(asset.network).family}`, 'native'] : [exact]
}

/**
 * A limit key as people write it, in the form of `limitKeys`: networks also by CAIP-2, assets also by CAIP-19,
 * EVM addresses in any case. `undefined` for what can be no key.
 */
export function parseLimitKey(text: string): string | undefined {
  if (text === 'native' || text === 'native:evm' || text === 'native:solana') return text
  const slash = text.indexOf('/')
  const network = findNetwork(text.slice(0, slash))
  if (slash < 0 || network === undefined) return undefined
  const asset = text.slice(slash + 1)
  if (asset === 'native' || /^slip44:[0-9]+$/.test(asset)) return assetKey({ network: network.name })
  const token = parseAddress(network.family, asset.replace(/^(erc20|token):/, ''))
  return token.ok ? assetKey({ network: network.name, address: token.address }) : undefined
}
