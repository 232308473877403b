import type { SequenceRead } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { countAt, countsRegardless } from './consumed.ts'
import { Block, type Line } from './line.ts'
import { Data, Quantity } from './quantity.ts'

/** Nodes keep this many transactions of one account in their pools: geth's `accountslots` and `accountqueue` together with reserve. */
const MOST_UNCONSUMED = 64
/** An account with delegated code (EIP-7702) may have one transaction in a pool (geth, txpool/legacypool). */
const DELEGATED = '0xef0100'
/** Heads that are asked about where the followed line moves on meanwhile. */
const MOST_HEADS = 3

/**
 * How many transactions the account has made, with and without those that wait in pools, and how many may be out at
 * once. Where nodes disagree, the lower number counts: under one that is used already nothing is paid, since the block
 * shows that others used it, while a number that is too high leaves a gap, which costs a fee to fill, and holds up
 * whatever is signed above it (openzeppelin-relayer#818, erpc#50).
 */
export async function readSequence(
  rpc: Pick<RpcPool, 'onOne' | 'onEach' | 'read'>,
  line: Line,
  address: string,
): Promise<({ ok: true } & SequenceRead) | { ok: false; message: string }> {
  const [counts, code] = await Promise.all([
    readCounts(rpc, line, address),
    rpc.read('eth_getCode', [address, 'latest'], Data),
  ])
  if (!counts.ok) return { ok: false, message: counts.failure.message }
  if (!code.ok) return { ok: false, message: code.failure.message }
  const { count, pending } = counts.value
  const most = code.value.toLowerCase().startsWith(DELEGATED) ? 1 : MOST_UNCONSUMED
  const highest = count + BigInt(most)
  return { ok: true, count, pending: pending < highest ? pending : highest, most }
}

/**
 * The count is what the newest block says, asked at its hash, so that a node that is behind or elsewhere says nothing.
 * Where none answers that, it is what the preferred node says of its own newest block. Something waits in pools only
 * where two nodes say so, or the only one.
 */
async function readCounts(
  rpc: Pick<RpcPool, 'onOne' | 'onEach'>,
  line: Line,
  address: string,
  heads = 1,
): Promise<RpcResult<{ count: bigint; pending: bigint }>> {
  const shown = await rpc.onOne(async (node) => {
    const newest = await node.read('eth_getBlockByNumber', ['latest', false], Block)
    return newest.ok ? { ok: true, value: { block: newest.value, index: node.node.index } } : newest
  })
  if (!shown.ok) return shown
  const { block, index } = shown.value
  const followed = line.newest()
  const head = followed !== undefined && followed.number > block.number ? followed : block
  const counts = await rpc.onEach((node) => countsOn(node, address, head))
  if (!counts.ok) return counts
  // The line may have moved on meanwhile; whoever reads the answer knows its new head.
  const top = line.newest()
  if (heads < MOST_HEADS && top !== undefined && top !== followed && top.number > head.number) {
    return await readCounts(rpc, line, address, heads + 1)
  }
  const atHead = counts.value.flatMap(({ pinned }) => (pinned === undefined ? [] : [pinned]))
  const preferred = counts.value.find((each) => each.index === index) ?? counts.value[0]!
  const count = atHead.length > 0 ? atHead.reduce((least, each) => (each < least ? each : least)) : preferred.latest
  const waiting = counts.value.map(({ pending }) => pending).toSorted((a, b) => (a < b ? 1 : -1))
  const pending = waiting[1] ?? waiting[0]!
  return { ok: true, value: { count, pending: pending > count ? pending : count } }
}

async function countsOn(node: NodeReader, address: string, head: { number: bigint; hash: string }) {
  const [atHead, latest, pending, served] = await Promise.all([
    countAt(node, address, head),
    node.read('eth_getTransactionCount', [address, 'latest'], Quantity),
    node.read('eth_getTransactionCount', [address, 'pending'], Quantity),
    node.confirm(),
  ])
  if (!served.ok) return served
  if (!latest.ok) return latest
  // On its own: a gateway that drops a request for a block that it cannot find would drop what is asked with it.
  const fault = await countsRegardless(node, address)
  const pinned = typeof atHead === 'bigint' && fault === undefined ? atHead : undefined
  // A node without a pool tells nothing of what waits.
  const waiting = pending.ok ? pending.value : latest.value
  return { ok: true as const, value: { index: node.node.index, pinned, latest: latest.value, pending: waiting } }
}
