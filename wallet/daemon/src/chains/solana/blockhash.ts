import type { Timers } from '@openpista/common'
import type { Blockhash } from '@solana/rpc-types'
import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { Lifetime } from './message.ts'
import type { SolanaTraits } from './solana-traits.ts'
import { InContext, U64 } from './wire.ts'

const Latest = InContext(
  z.object({ blockhash: z.string().transform((text) => text as Blockhash), lastValidBlockHeight: U64 }),
)

/** The newest confirmed blockhash, asked for at most once per slot. */
export function createBlockhashSource(
  rpc: Reader,
  traits: SolanaTraits,
  timers: Timers,
): () => Promise<RpcResult<Lifetime>> {
  let known: { until: number; answer: Promise<RpcResult<Lifetime>> } | undefined
  const ask = async (): Promise<RpcResult<Lifetime>> => {
    const answer = await rpc.read('getLatestBlockhash', [{ commitment: 'confirmed' }], Latest)
    return answer.ok ? { ok: true, value: answer.value.value } : answer
  }
  return async () => {
    if (known !== undefined && timers.monotonic() < known.until) return await known.answer
    const asked = { until: timers.monotonic() + traits.pollMs, answer: ask() }
    known = asked
    const answer = await asked.answer
    if (!answer.ok && known === asked) known = undefined
    return answer
  }
}
