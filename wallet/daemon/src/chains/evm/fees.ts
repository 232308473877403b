import type { Timers } from '@openpista/common'
import { z } from 'zod'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { EvmTraits } from './evm-traits.ts'
import { Quantity } from './quantity.ts'

/** Per gas (EIP-1559), and the hash of the block that it is from. */
export type GasPrice = { baseFee: bigint; tip: bigint; maxFeePerGas: bigint; block: string }

const LatestBlock = z.object({ hash: z.string(), baseFeePerGas: Quantity.nullish() })
/** Per block the tips that were paid; the base fees are those of the blocks and of the one to come. */
const FeeHistory = z.object({ baseFeePerGas: z.array(Quantity), reward: z.array(z.array(Quantity)).nullish() })

/** The price of gas now, asked for at most once per block. `maxFeePerGas` outlives six full blocks in a row. */
export function createFeeSource(
  rpc: Pick<RpcPool, 'onOne'>,
  traits: EvmTraits,
  timers: Timers,
): () => Promise<RpcResult<GasPrice>> {
  let known: { until: number; answer: Promise<RpcResult<GasPrice>> } | undefined
  return async () => {
    if (known !== undefined && timers.monotonic() < known.until) return await known.answer
    const asked = {
      until: timers.monotonic() + traits.pollMs,
      answer: rpc.onOne((node) => askPrice(node, traits)),
    }
    known = asked
    const answer = await asked.answer
    if (!answer.ok && known === asked) known = undefined
    return answer
  }
}

async function askPrice(node: NodeReader, traits: EvmTraits): Promise<RpcResult<GasPrice>> {
  const [block, suggested] = await Promise.all([
    node.read('eth_getBlockByNumber', ['latest', false], LatestBlock),
    node.read('eth_maxPriorityFeePerGas', [], Quantity),
  ])
  if (!block.ok) return block
  const baseFee = block.value.baseFeePerGas ?? 0n
  const tip = block.value.baseFeePerGas && suggested.ok ? suggested : await deriveTip(node, baseFee, suggested)
  return tip.ok ? { ok: true, value: { ...priceOf(baseFee, tip.value, traits), block: block.value.hash } } : tip
}

/**
 * Not every node suggests a tip (uniswap-python#217, eigensdk-go#46): then what the last blocks paid, and where a node
 * does not report that either, what its gas price leaves beyond the base fee.
 */
async function deriveTip(node: NodeReader, baseFee: bigint, suggested: RpcResult<bigint>): Promise<RpcResult<bigint>> {
  // Without parameters, an objection is to the method.
  if (!suggested.ok && suggested.failure.kind !== 'unable' && suggested.failure.kind !== 'error') return suggested
  if (baseFee > 0n) {
    const history = await node.read('eth_feeHistory', ['0x5', 'latest', [50]], FeeHistory)
    const paid = history.ok ? (history.value.reward ?? []).flat().filter((tip) => tip > 0n) : []
    const median = paid.toSorted((a, b) => (a < b ? -1 : 1))[Math.floor(paid.length / 2)]
    if (median !== undefined) return { ok: true, value: median }
  }
  const price = await node.read('eth_gasPrice', [], Quantity)
  if (!price.ok) return price
  return { ok: true, value: price.value > baseFee ? price.value - baseFee : 0n }
}

function priceOf(baseFee: bigint, suggested: bigint, { minTip, maxTip }: EvmTraits): Omit<GasPrice, 'block'> {
  const capped = suggested < maxTip ? suggested : maxTip
  const tip = capped > minTip ? capped : minTip
  return { baseFee, tip, maxFeePerGas: 2n * baseFee + tip }
}
