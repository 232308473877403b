import type { Timers } from '@openpista/common'
import type { Funds } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { Quantity } from './quantity.ts'

/** The coins of accounts, and how many transactions each had made by then. */
export type FundsSource = {
  /** Of the newest block, in one batch to one node. */
  ask: (address: string) => Promise<RpcResult<Funds>>
  /** As `ask`, or what was asked for a moment ago: a payment is drafted and signed from one reading. */
  recent: (address: string) => Promise<RpcResult<Funds>>
}

/** How long a reading may be used. What leaves an account by the hands of others cannot be known in time anyway. */
const RECENT_MS = 2_000

export function createFundsSource(rpc: Pick<RpcPool, 'onOne'>, timers: Pick<Timers, 'monotonic'>): FundsSource {
  const known = new Map<string, { at: number; funds: Funds }>()
  const ask = async (address: string) => {
    const at = timers.monotonic()
    const answer = await rpc.onOne(async (node) => {
      const [balance, count] = await Promise.all([
        node.read('eth_getBalance', [address, 'latest'], Quantity),
        node.read('eth_getTransactionCount', [address, 'latest'], Quantity),
      ])
      if (!balance.ok) return balance
      return count.ok ? { ok: true, value: { balance: balance.value, count: count.value } } : count
    })
    // Answers may come in another order than they were asked for.
    if (answer.ok && at >= (known.get(address)?.at ?? at)) known.set(address, { at, funds: answer.value })
    return answer
  }
  return {
    ask,
    recent: async (address) => {
      const last = known.get(address)
      if (last === undefined || timers.monotonic() - last.at >= RECENT_MS) return await ask(address)
      return { ok: true, value: last.funds }
    },
  }
}
