import type { Timers } from '@openpista/common'
import type { Blockhash } from '@solana/rpc-types'
import { z } from 'zod'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { Lifetime } from './message.ts'
import type { SolanaTraits } from './solana-traits.ts'
import { EpochInfo, InContext, U64 } from './wire.ts'

const Latest = InContext(
  z.object({ blockhash: z.string().transform((text) => text as Blockhash), lastValidBlockHeight: U64 }),
).extend({ context: z.object({ slot: U64 }) })

/** Blocks for which a blockhash is valid after its own, and the most for which a node has ever said so. */
const BLOCKHASH_LIFETIME = 150n
const LONGEST_LIFETIME = 300n

/**
 * A blockhash, about when it ends, and about where its block is: the lower of two slots that the node named, because a
 * search that begins too low finds the block all the same. Proofs do not rest on these heights: some nodes answer
 * with slots for heights (EdgeApp/edge-currency-accountbased#1107, solana-foundation/surfpool#387).
 */
export type SolanaLifetime = Lifetime & { slot: bigint }

/**
 * The newest confirmed blockhash, asked for at most once per slot. It is all that ties a transaction to a cluster: the node
 * has to show with it which one it serves.
 */
export function createBlockhashSource(
  rpc: Pick<RpcPool, 'onOne'>,
  traits: SolanaTraits,
  timers: Timers,
): () => Promise<RpcResult<SolanaLifetime>> {
  let known: { until: number; answer: Promise<RpcResult<SolanaLifetime>> } | undefined
  return async () => {
    if (known !== undefined && timers.monotonic() < known.until) return await known.answer
    const asked = { until: timers.monotonic() + traits.pollMs, answer: rpc.onOne(askLatest) }
    known = asked
    const answer = await asked.answer
    if (!answer.ok && known === asked) known = undefined
    return answer
  }
}

async function askLatest(node: NodeReader): Promise<RpcResult<SolanaLifetime>> {
  const [latest, newest, confirmed] = await Promise.all([
    node.read('getLatestBlockhash', [{ commitment: 'confirmed' }], Latest),
    node.read('getEpochInfo', [{ commitment: 'confirmed' }], EpochInfo),
    node.confirm(),
  ])
  if (!latest.ok) return latest
  if (!newest.ok) return newest
  if (!confirmed.ok) return confirmed
  const { context, value } = latest.value
  const { absoluteSlot, blockHeight } = newest.value
  const lastValidBlockHeight = lastValidHeight(value.lastValidBlockHeight, blockHeight)
  const slot = context.slot < absoluteSlot ? context.slot : absoluteSlot
  return { ok: true, value: { blockhash: value.blockhash, lastValidBlockHeight, slot } }
}

/** At least a lifetime after the height that was seen. Where the two heights do not fit together, the lower one counts. */
function lastValidHeight(stated: bigint, seen: bigint): bigint {
  const least = seen + BLOCKHASH_LIFETIME
  const lower = stated < seen ? stated : seen
  const last = stated > least ? stated : least
  return last < lower + LONGEST_LIFETIME ? last : lower + LONGEST_LIFETIME
}
