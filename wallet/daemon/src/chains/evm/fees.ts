import type { Timers } from '@openpista/common'
import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { EvmTraits } from './evm-traits.ts'
import { Quantity } from './quantity.ts'

/** Per gas (EIP-1559). */
export type GasPrice = { baseFee: bigint; tip: bigint; maxFeePerGas: bigint }

const LatestBlock = z.object({ baseFeePerGas: Quantity })

/** The price of gas now, asked for at most once per block. `maxFeePerGas` outlives six full blocks in a row. */
export function createFeeSource(rpc: Reader, traits: EvmTraits, timers: Timers): () => Promise<RpcResult<GasPrice>> {
  let known: { until: number; answer: Promise<RpcResult<GasPrice>> } | undefined
  return async () => {
    if (known !== undefined && timers.monotonic() < known.until) return await known.answer
    const asked = { until: timers.monotonic() + traits.pollMs, answer: askPrice(rpc, traits) }
    known = asked
    const answer = await asked.answer
    if (!answer.ok && known === asked) known = undefined
    return answer
  }
}

async function askPrice(rpc: Reader, traits: EvmTraits): Promise<RpcResult<GasPrice>> {
  const [block, suggested] = await Promise.all([
    rpc.read('eth_getBlockByNumber', ['latest', false], LatestBlock),
    rpc.read('eth_maxPriorityFeePerGas', [], Quantity),
  ])
  if (!block.ok) return block
  if (!suggested.ok) return suggested
  const baseFee = block.value.baseFeePerGas
  const tip = suggested.value < traits.maxTip ? suggested.value : traits.maxTip
  return { ok: true, value: { baseFee, tip, maxFeePerGas: 2n * baseFee + tip } }
}
