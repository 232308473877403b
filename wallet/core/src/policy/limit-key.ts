import { type Asset, assetKey } from '../effect.ts'
import { networkOf } from '../network.ts'

/**
 * The names under which limits for an asset may be written, the most specific first:
 * `evm-local/native` or `base-mainnet/0x833…`, then for native coins `native:evm` and `native`.
 */
export function limitKeys(asset: Pick<Asset, 'network' | 'address'>): string[] {
  const exact = assetKey(asset)
  return asset.address === undefined ? [exact, `native:${networkOf(asset.network).family}`, 'native'] : [exact]
}
