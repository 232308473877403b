import { z } from 'zod'
import type { RpcResult } from '../rpc-result.ts'
import type { SolanaContext } from './context.ts'
import type { SolanaTraits } from './solana-traits.ts'
import { U64 } from './wire.ts'

const Prices = z.array(z.object({ prioritizationFee: U64 }))
const MAX_ADDRESSES = 128

/** What was lately paid per compute unit, in micro-lamports, to write these accounts. Nothing where a node keeps no record. */
export async function readPrices(
  { rpc }: Pick<SolanaContext, 'rpc'>,
  writable: readonly string[],
): Promise<RpcResult<bigint[]>> {
  const addresses = [...new Set(writable)].slice(0, MAX_ADDRESSES)
  const answer = await rpc.read('getRecentPrioritizationFees', [addresses], Prices)
  if (answer.ok) return { ok: true, value: answer.value.map((each) => each.prioritizationFee) }
  return answer.failure.kind === 'error' ? { ok: true, value: [] } : answer
}

/** The upper quartile of what was lately paid. */
export function usualPrice(prices: readonly bigint[], traits: SolanaTraits): bigint {
  const sorted = [...prices].sort((a, b) => (a < b ? -1 : 1))
  const price = sorted[Math.floor(sorted.length * 0.75)] ?? 0n
  return price < traits.maxUnitPrice ? price : traits.maxUnitPrice
}

/**
 * What nobody needs to wonder about. Nodes report the lowest fee of each block, which is mostly zero; wallets pay
 * some all the same, and at this price 200,000 units cost two signatures.
 */
const UNREMARKABLE_PRICE = 50_000n

/** The usual price, or the unremarkable one where that is higher. */
export function ordinaryPrice(prices: readonly bigint[], traits: SolanaTraits): bigint {
  const usual = usualPrice(prices, traits)
  return usual > UNREMARKABLE_PRICE ? usual : UNREMARKABLE_PRICE
}
