import { z } from 'zod'
import type { BlockRef, Missing, Place, Proof } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { blockHashAt } from './block-hash.ts'
import { Block, type Line, type LineBlock } from './line.ts'
import { Quantity } from './quantity.ts'

/** What is known of a nonce that no block of the line lists for us. */
export type Consumption =
  | { kind: 'ours'; hash: string; block: BlockRef }
  | { kind: 'others'; proof: Proof }
  | { kind: 'unproven'; missing: Missing }

/** No block has this hash. */
const NOWHERE = `0x${'5a'.repeat(32)}`

/**
 * Why nothing that a node tells of counts at blocks can be used: it tells one at a block that does not exist, and so
 * tells those of its newest block, whichever that is, under every hash. Undefined where it refuses to.
 */
export async function countsRegardless(node: NodeReader, account: string): Promise<Missing | undefined> {
  const answer = await node.read('eth_getTransactionCount', [account, { blockHash: NOWHERE }], Quantity.nullable())
  const isRefused = answer.ok ? answer.value === null : answer.failure.kind !== 'unreachable'
  if (isRefused) return undefined
  const message = answer.ok
    ? `${node.node.host} does not look at the block at which an account's transaction count is asked.`
    : answer.failure.message
  return { code: 'HISTORY_UNAVAILABLE', message }
}

/** Transactions of an account up to and in a block, asked of exactly this block (EIP-1898). */
export async function countAt(node: NodeReader, account: string, { hash }: BlockRef): Promise<bigint | Missing> {
  const answer = await node.read('eth_getTransactionCount', [account, { blockHash: hash }], Quantity)
  if (answer.ok) return answer.value
  const message = `${node.node.host} does not tell the account's transaction count at a block: ${answer.failure.message}`
  return { code: 'HISTORY_UNAVAILABLE', message }
}

/**
 * Proves by whom a nonce was used that is below the account's count at the head of the line, where no block of the
 * line lists one of our versions: the block that used it has none of them; or no block has, from the one that
 * was final at signing up to the head. Reads the line further down, some blocks per call, until one of them holds.
 */
export async function proveConsumed(node: NodeReader, line: Line, head: LineBlock, place: Place): Promise<Consumption> {
  const hinted = await hintedBlock(node, line, place)
  if (hinted !== undefined) return hinted
  const { from, sequence } = place.versions[0]!
  const origin = originOf(place, head)
  for (let step = 0; ; step++) {
    const lowest = line.at(line.lowest())!
    // The blocks that the step before has read may list one of them.
    const own = listedOn(line, place)
    if (own !== undefined) return { kind: 'ours', ...own }
    const below = await countAt(node, from, lowest)
    // The line may have started again elsewhere.
    const isSearched = isLinked(line, lowest, head) && place.versions.every(({ hash }) => line.isSearchedFor(hash))
    // Where the nonce was used at the origin already, the origin is wrong, and the block that used it is further down.
    const isUsedBelow = typeof below === 'bigint' && below > sequence!
    const isBelow = origin !== undefined && origin < head.number && lowest.number <= origin
    if (isSearched && isBelow && !isUsedBelow) return others('lists', head, node)
    if (typeof below === 'bigint' && below <= sequence!) return await findUser(node, line, head, place)
    const missing = typeof below === 'bigint' ? searching(node) : below
    if (lowest.number === 0n || step === MOST_STEPS) return { kind: 'unproven', missing }
    const target = lowest.number > STEP ? lowest.number - STEP : 0n
    await line.reach(node, target)
    if (line.lowest() === lowest.number) return { kind: 'unproven', missing }
  }
}

/** The version that a block of the line lists, and that block. */
export function listedOn(line: Line, { versions }: Place): { hash: string; block: LineBlock } | undefined {
  for (const { hash } of versions) {
    const block = line.listing(hash)
    if (block !== undefined) return { hash, block }
  }
  return undefined
}

/** Whether the line still goes from one block up to the other. */
function isLinked(line: Line, lowest: LineBlock, head: LineBlock): boolean {
  return line.at(lowest.number)?.hash === lowest.hash && line.at(head.number)?.hash === head.hash
}

/** Blocks by which the line is read further down, and how often in one call. */
const STEP = 50n
const MOST_STEPS = 4

/**
 * The last block in which none of the versions can be; undefined where one of them has none. One above the newest
 * block is none either: what called it final did not tell the truth.
 */
export function originOf({ versions }: Place, head: BlockRef): bigint | undefined {
  const origins = versions.map(({ origin }) => origin)
  if (origins.some((origin) => origin === null)) return undefined
  const least = (origins as bigint[]).reduce((a, b) => (a < b ? a : b))
  return least <= head.number ? least : undefined
}

/** Finds the block of the line in which the account's count passes the nonce, and looks at what it lists. */
async function findUser(node: NodeReader, line: Line, head: LineBlock, place: Place): Promise<Consumption> {
  const { from, sequence } = place.versions[0]!
  let [low, high] = [line.lowest(), head.number]
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    const block = line.at(middle)
    if (block === undefined) return { kind: 'unproven', missing: searching(node) }
    const count = await countAt(node, from, block)
    if (typeof count !== 'bigint') return { kind: 'unproven', missing: count }
    if (count <= sequence!) low = middle
    else high = middle
  }
  const user = line.at(high)
  if (user === undefined) return { kind: 'unproven', missing: searching(node) }
  const answer = await node.read('eth_getBlockByHash', [user.hash, false], Block.nullable())
  if (!answer.ok || answer.value?.hash !== user.hash) return { kind: 'unproven', missing: searching(node) }
  const listed = new Set(answer.value.transactions.map((each) => each.toLowerCase()))
  const own = place.versions.find(({ hash }) => listed.has(hash.toLowerCase()))
  return own === undefined ? others('count', user, node) : { kind: 'ours', hash: own.hash, block: refOf(user) }
}

/** A receipt says where to look; what counts is that the block with its number lists the hash. */
async function hintedBlock(
  node: NodeReader,
  line: Line,
  { versions }: Place,
): Promise<Extract<Consumption, { kind: 'ours' }> | undefined> {
  for (const { hash } of versions) {
    const block = await blockListing(node, hash)
    if (block === undefined) continue
    const onLine = line.at(block.number)
    if (onLine === undefined || onLine.hash === block.hash) return { kind: 'ours', hash, block }
  }
  return undefined
}

const Receipt = z.object({ blockHash: z.string() }).nullish()

/**
 * The block that lists a transaction, found by its receipt. Nodes keep receipts of blocks that lost, and those blocks
 * (nethermind#3052, erigon#15334, go-ethereum#29261): it has to be the one that the node has at this number.
 */
export async function blockListing(node: NodeReader, hash: string): Promise<BlockRef | undefined> {
  const receipt = await node.read('eth_getTransactionReceipt', [hash], Receipt)
  if (!receipt.ok || !receipt.value) return undefined
  const block = await node.read('eth_getBlockByHash', [receipt.value.blockHash, false], Block.nullable())
  if (!block.ok || !block.value?.transactions.some((each) => each.toLowerCase() === hash.toLowerCase()))
    return undefined
  const { number, hash: blockHash } = block.value
  const there = await blockHashAt(node, number)
  return there.ok && there.value === blockHash ? { number, hash: blockHash } : undefined
}

function others(kind: Proof['kind'], block: LineBlock, node: NodeReader): Consumption {
  return { kind: 'others', proof: { kind, block: refOf(block), node: node.node.host } }
}

function refOf({ number, hash }: BlockRef): BlockRef {
  return { number, hash }
}

function searching(node: NodeReader): Missing {
  const message = `The nonce was used, and ${node.node.host} has not shown yet in which block, or by what.`
  return { code: 'HISTORY_UNAVAILABLE', message }
}
