import type { Timers } from '@openpista/common'
import { z } from 'zod'
import type { Funds } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { GasPrice } from './fees.ts'
import { Quantity } from './quantity.ts'

/**
 * The coins of accounts, and how many transactions each had made by then. Both are asked at the hash of one block: an
 * address may have several nodes behind it, of which each answers one question of a batch (erpc#50,
 * openzeppelin-relayer#843), and a node may take in a block between two questions.
 */
export type FundsSource = {
  /** In the block that the price of gas is from. */
  ask: (address: string) => Promise<RpcResult<Funds>>
  /** As `ask`, or what was asked for a moment ago: a payment is drafted and signed from one reading. */
  recent: (address: string) => Promise<RpcResult<Funds>>
  /** In the newest block. */
  newest: (address: string) => Promise<RpcResult<Funds>>
}

/** How long a reading may be used. What leaves an account by the hands of others cannot be known in time anyway. */
const RECENT_MS = 2_000

type Source = {
  rpc: Pick<RpcPool, 'onOne'>
  price: () => Promise<RpcResult<Pick<GasPrice, 'block'>>>
  timers: Pick<Timers, 'monotonic'>
}

export function createFundsSource({ rpc, price, timers }: Source): FundsSource {
  const known = new Map<string, { at: number; funds: Funds }>()
  const keep = async (address: string, read: (node: NodeReader) => Promise<RpcResult<Funds>>) => {
    const at = timers.monotonic()
    const answer = await rpc.onOne(read)
    // Answers may come in another order than they were asked for.
    if (answer.ok && at >= (known.get(address)?.at ?? at)) known.set(address, { at, funds: answer.value })
    return answer
  }
  const ask = async (address: string) => {
    const now = await price()
    return now.ok ? await keep(address, (node) => fundsIn(node, address, now.value.block)) : now
  }
  return {
    ask,
    recent: async (address) => {
      const last = known.get(address)
      if (last === undefined || timers.monotonic() - last.at >= RECENT_MS) return await ask(address)
      return { ok: true, value: last.funds }
    },
    newest: (address) =>
      keep(address, async (node) => {
        const head = await node.read('eth_getBlockByNumber', ['latest', false], Head)
        return head.ok ? await fundsIn(node, address, head.value.hash) : head
      }),
  }
}

const Head = z.object({ hash: z.string() })

/** In the block with this hash; in the newest one where the node does not know that, or takes no hash. */
async function fundsIn(node: NodeReader, address: string, blockHash: string): Promise<RpcResult<Funds>> {
  const inBlock = await fundsAt(node, address, { blockHash }, Quantity.nullable())
  if (inBlock.ok) {
    const { balance, count } = inBlock.value
    if (balance !== null && count !== null) return { ok: true, value: { balance, count } }
  } else if (inBlock.failure.kind === 'unreachable') return inBlock
  return await fundsAt(node, address, 'latest', Quantity)
}

async function fundsAt<Amount>(
  node: NodeReader,
  address: string,
  at: 'latest' | { blockHash: string },
  schema: z.ZodType<Amount>,
): Promise<RpcResult<{ balance: Amount; count: Amount }>> {
  const [balance, count] = await Promise.all([
    node.read('eth_getBalance', [address, at], schema),
    node.read('eth_getTransactionCount', [address, at], schema),
  ])
  if (!balance.ok) return balance
  return count.ok ? { ok: true, value: { balance: balance.value, count: count.value } } : count
}
