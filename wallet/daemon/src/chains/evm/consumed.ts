import { z } from 'zod'
import type { BlockRef, Missing, Place, Proof } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { Block, type Line, type LineBlock } from './line.ts'
import { Quantity } from './quantity.ts'

/** What is known of a nonce that no block of the line lists for us. */
export type Consumption =
  | { kind: 'ours'; hash: string; block: BlockRef }
  | { kind: 'others'; proof: Proof }
  | { kind: 'unproven'; missing: Missing }

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
  const origin = originOf(place)
  const isSearched = place.versions.every(({ hash }) => line.isSearchedFor(hash))
  for (let step = 0; ; step++) {
    const lowest = line.at(line.lowest())!
    // The blocks that the step before has read may list one of them.
    const own = ownOn(line, place)
    if (own !== undefined) return own
    if (isSearched && origin !== undefined && lowest.number <= origin) return others('lists', head, node)
    const below = await countAt(node, from, lowest)
    if (typeof below === 'bigint' && below <= sequence!) return await findUser(node, line, head, place)
    const missing = typeof below === 'bigint' ? searching(node) : below
    if (lowest.number === 0n || step === MOST_STEPS) return { kind: 'unproven', missing }
    const target = lowest.number > STEP ? lowest.number - STEP : 0n
    await line.reach(node, target)
    if (line.lowest() === lowest.number) return { kind: 'unproven', missing }
  }
}

function ownOn(line: Line, { versions }: Place): Extract<Consumption, { kind: 'ours' }> | undefined {
  for (const { hash } of versions) {
    const block = line.listing(hash)
    if (block !== undefined) return { kind: 'ours', hash, block: refOf(block) }
  }
  return undefined
}

/** Blocks by which the line is read further down, and how often in one call. */
const STEP = 50n
const MOST_STEPS = 4

/** The earliest block from which on the versions can have been included; undefined where one of them has none. */
export function originOf({ versions }: Place): bigint | undefined {
  const origins = versions.map(({ origin }) => origin)
  if (origins.some((origin) => origin === null)) return undefined
  return (origins as bigint[]).reduce((least, each) => (each < least ? each : least))
}

/** Finds the block of the line in which the account's count passes the nonce, and looks at what it lists. */
async function findUser(node: NodeReader, line: Line, head: LineBlock, place: Place): Promise<Consumption> {
  const { from, sequence } = place.versions[0]!
  let [low, high] = [line.lowest(), head.number]
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    const count = await countAt(node, from, line.at(middle)!)
    if (typeof count !== 'bigint') return { kind: 'unproven', missing: count }
    if (count <= sequence!) low = middle
    else high = middle
  }
  const user = line.at(high)!
  const answer = await node.read('eth_getBlockByHash', [user.hash, false], Block.nullable())
  if (!answer.ok || answer.value?.hash !== user.hash) return { kind: 'unproven', missing: searching(node) }
  const listed = new Set(answer.value.transactions.map((each) => each.toLowerCase()))
  const own = place.versions.find(({ hash }) => listed.has(hash.toLowerCase()))
  return own === undefined ? others('count', user, node) : { kind: 'ours', hash: own.hash, block: refOf(user) }
}

/** A receipt says where to look; what counts is that the block lists the hash, and is not known to have vanished. */
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

/** The block that lists a transaction, found by its receipt. */
export async function blockListing(node: NodeReader, hash: string): Promise<BlockRef | undefined> {
  const receipt = await node.read('eth_getTransactionReceipt', [hash], Receipt)
  if (!receipt.ok || !receipt.value) return undefined
  const block = await node.read('eth_getBlockByHash', [receipt.value.blockHash, false], Block.nullable())
  if (!block.ok || !block.value?.transactions.some((each) => each.toLowerCase() === hash.toLowerCase()))
    return undefined
  return { number: block.value.number, hash: block.value.hash }
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
