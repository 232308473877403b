import type { Funds, SequenceRead } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { Data, Quantity } from './quantity.ts'

/** Nodes keep this many transactions of one account in their pools: geth's `accountslots` and `accountqueue` together with reserve. */
const MOST_UNCONSUMED = 64
/** An account with delegated code (EIP-7702) may have one transaction in a pool (geth, txpool/legacypool). */
const DELEGATED = '0xef0100'

/** The highest counts that any node tells, and how many transactions of the account may be out at once. */
export async function readSequence(
  rpc: Pick<RpcPool, 'onEach' | 'read'>,
  address: string,
): Promise<({ ok: true } & SequenceRead) | { ok: false; message: string }> {
  const [counts, code] = await Promise.all([
    rpc.onEach(async (node) => {
      const [latest, pending] = await Promise.all([
        node.read('eth_getTransactionCount', [address, 'latest'], Quantity),
        node.read('eth_getTransactionCount', [address, 'pending'], Quantity),
      ])
      if (!latest.ok) return latest
      // A node without a pool tells nothing of what waits.
      return { ok: true, value: { latest: latest.value, pending: pending.ok ? pending.value : latest.value } }
    }),
    rpc.read('eth_getCode', [address, 'latest'], Data),
  ])
  if (!counts.ok) return { ok: false, message: counts.failure.message }
  if (!code.ok) return { ok: false, message: code.failure.message }
  const count = counts.value.map(({ latest }) => latest).reduce((most, each) => (each > most ? each : most))
  const pending = counts.value.map((each) => each.pending).reduce((most, each) => (each > most ? each : most), count)
  const most = code.value.toLowerCase().startsWith(DELEGATED) ? 1 : MOST_UNCONSUMED
  return { ok: true, count, pending, most }
}

/** Balance and count of the newest block, in one batch to one node. */
export async function readFunds(
  rpc: Pick<RpcPool, 'onOne'>,
  address: string,
): Promise<({ ok: true } & Funds) | { ok: false; message: string }> {
  const funds = await rpc.onOne(async (node) => {
    const [balance, count] = await Promise.all([
      node.read('eth_getBalance', [address, 'latest'], Quantity),
      node.read('eth_getTransactionCount', [address, 'latest'], Quantity),
    ])
    if (!balance.ok) return balance
    return count.ok ? { ok: true, value: { balance: balance.value, count: count.value } } : count
  })
  return funds.ok ? { ok: true, ...funds.value } : { ok: false, message: funds.failure.message }
}
