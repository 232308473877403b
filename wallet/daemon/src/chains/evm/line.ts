import { z } from 'zod'
import type { BlockRef } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'
import { Quantity, toQuantity } from './quantity.ts'

/** A block of the followed line. */
export type LineBlock = BlockRef & {
  parentHash: string
  baseFee: bigint | undefined
  /** Of the watched hashes, those that the block lists. */
  listed: readonly string[]
}

/**
 * The blocks of a chain from the newest one down, each the parent of the one above by its hash. Every block that is
 * read is searched for the hashes that are watched at that time.
 */
export type Line = {
  /** @param mayBeIncluded false for bytes that have not left yet: no block that was read before can list them. */
  watch: (hashes: Iterable<string>, mayBeIncluded: boolean) => void
  unwatch: (hashes: Iterable<string>) => void
  /**
   * Reads the newest block and what lies between it and the known line. A line that is far behind starts again at the
   * newest block, once its node has shown that it still serves the network. One that a node lacks blocks of stays as it
   * is; where that goes on, the node is `unable`.
   */
  follow: (node: NodeReader) => Promise<RpcResult<LineBlock>>
  /** Reads down to this number, at most `LONGEST_STEP` blocks per call. True when the line reaches it. */
  reach: (node: NodeReader, number: bigint) => Promise<boolean>
  at: (number: bigint) => LineBlock | undefined
  newest: () => LineBlock | undefined
  /** Whether every block of the line was searched for this hash. */
  isSearchedFor: (hash: string) => boolean
  /** The block that lists this hash. */
  listing: (hash: string) => LineBlock | undefined
  lowest: () => bigint
  /** How often the line has started: blocks of an earlier one may be of another chain. */
  starts: () => number
  /** Forgets the blocks below this number. */
  trim: (number: bigint) => void
}

/** Blocks read in one call, in batches that every node takes. */
const LONGEST_STEP = 100n
/** A shorter line than the known one is a node that lags, unless it is seen this often in a row. */
const SIGHTS_OF_SHORTER = 3
/** A node that lacks a block below its newest one may be about to get it, unless it lacks one this often in a row. */
const SIGHTS_OF_GAP = 10

const Transactions = z.array(z.union([z.string(), z.object({ hash: z.string() }).transform(({ hash }) => hash)]))

export const Block = z.object({
  number: Quantity,
  hash: z.string(),
  parentHash: z.string(),
  baseFeePerGas: Quantity.nullish(),
  transactions: Transactions,
})

export function createLine(): Line {
  const watched = new Set<string>()
  /** Watched hashes for which some blocks of the line were not searched. */
  const late = new Set<string>()
  const blocks = createBlocks()
  let top: LineBlock | undefined
  let bottom = 0n
  let shorter = 0
  let gaps = 0
  let starts = 0

  const lineBlock = (block: z.output<typeof Block>) => searched(block, watched)
  const restartOn = async (node: NodeReader, head: LineBlock, between: readonly LineBlock[] = []) => {
    const before = top
    const confirmed = await node.confirm()
    if (!confirmed.ok) return confirmed
    if (top !== before) return { ok: true as const, value: top! }
    blocks.clear()
    late.clear()
    for (const block of [head, ...between]) blocks.put(block)
    top = head
    bottom = (between.at(-1) ?? head).number
    starts += 1
    return { ok: true as const, value: head }
  }
  /** Puts a head whose ancestors down to the known line are `between`, newest first. */
  const advance = (head: LineBlock, between: readonly LineBlock[]) => {
    for (let number = head.number + 1n; number <= top!.number; number++) blocks.drop(number)
    for (const block of [head, ...between]) blocks.put(block)
    top = head
  }
  return {
    watch: (hashes, mayBeIncluded) => {
      for (const hash of hashes) {
        const key = hash.toLowerCase()
        if (mayBeIncluded && top !== undefined && !watched.has(key)) late.add(key)
        watched.add(key)
      }
    },
    unwatch: (hashes) => {
      for (const hash of hashes) {
        watched.delete(hash.toLowerCase())
        late.delete(hash.toLowerCase())
      }
    },
    isSearchedFor: (hash) => watched.has(hash.toLowerCase()) && !late.has(hash.toLowerCase()),
    follow: async (node) => {
      const read = await node.read('eth_getBlockByNumber', ['latest', false], Block)
      if (!read.ok) return read
      const head = lineBlock(read.value)
      if (top === undefined) return await restartOn(node, head)
      if (head.hash === top.hash) return { ok: true, value: head }
      if (blocks.at(head.number)?.hash === head.hash) return { ok: true, value: top }
      shorter = head.number < top.number ? shorter + 1 : 0
      if (head.number < top.number && shorter < SIGHTS_OF_SHORTER) return { ok: true, value: top }
      const joins = (block: LineBlock) => blocks.at(block.number - 1n)?.hash === block.parentHash
      const gap = head.number - top.number - 1n
      const isEnough = (block: LineBlock) => joins(block) || block.number <= bottom
      const between = await ancestors(node, head, lineBlock, isEnough, gap > 1n ? gap : 1n)
      const last = between.at(-1) ?? head
      const isOther = BigInt(between.length) >= LONGEST_STEP || last.number <= bottom
      gaps = joins(last) || isOther ? 0 : gaps + 1
      if (gaps > 0) return gaps < SIGHTS_OF_GAP ? { ok: true, value: top } : lacks(node, last)
      shorter = 0
      if (!joins(last)) return await restartOn(node, head, between)
      advance(head, between)
      return { ok: true, value: top }
    },
    reach: async (node, number) => {
      const lowest = blocks.at(bottom)
      if (lowest === undefined || number >= bottom) return lowest !== undefined
      const read = await ancestors(node, lowest, lineBlock, (block) => block.number <= number)
      // While they were read, the line may have started again elsewhere.
      if (blocks.at(bottom) !== lowest) return false
      for (const block of read) blocks.put(block)
      bottom = (read.at(-1) ?? lowest).number
      return number >= bottom
    },
    at: blocks.at,
    newest: () => top,
    listing: (hash) => blocks.listing(hash.toLowerCase()),
    lowest: () => bottom,
    starts: () => starts,
    trim: (number) => {
      if (top === undefined) return
      const end = number < top.number ? number : top.number
      for (; bottom < end; bottom++) blocks.drop(bottom)
    },
  }
}

/** What nodes say of a resource that they do not have (EIP-1474). */
const UNKNOWN_BLOCK = -32001

function lacks({ node }: NodeReader, { number }: LineBlock): RpcResult<never> {
  const message = `${node.host} does not show the block below ${number}, and so not what is in it.`
  return { ok: false, failure: { kind: 'unable', code: UNKNOWN_BLOCK, message } }
}

/** Blocks by their numbers, and by the watched hashes that they list. */
function createBlocks() {
  const blocks = new Map<bigint, LineBlock>()
  const listings = new Map<string, LineBlock>()
  const drop = (number: bigint) => {
    const block = blocks.get(number)
    blocks.delete(number)
    for (const hash of block?.listed ?? []) if (listings.get(hash) === block) listings.delete(hash)
  }
  return {
    at: (number: bigint) => blocks.get(number),
    listing: (hash: string) => listings.get(hash),
    put: (block: LineBlock) => {
      drop(block.number)
      blocks.set(block.number, block)
      for (const hash of block.listed) listings.set(hash, block)
    },
    drop,
    clear: () => {
      blocks.clear()
      listings.clear()
    },
  }
}

/** A block with what it lists of the watched hashes. */
function searched(
  { number, hash, parentHash, baseFeePerGas, transactions }: z.output<typeof Block>,
  watched: ReadonlySet<string>,
): LineBlock {
  const listed = transactions.map((each) => each.toLowerCase()).filter((each) => watched.has(each))
  return { number, hash, parentHash, baseFee: baseFeePerGas ?? undefined, listed }
}

/**
 * The ancestors of a block, newest first, down to the first of which `isEnough`, to the longest step, or to one that
 * cannot be had. They are asked for by number, many at a time, and count only where each is the parent of the one
 * above; where a node says otherwise, the parent is asked for by its hash.
 *
 * @param first how many are asked for together at first.
 */
async function ancestors(
  node: NodeReader,
  from: LineBlock,
  lineBlock: (block: z.output<typeof Block>) => LineBlock,
  isEnough: (block: LineBlock) => boolean,
  first = 1n,
): Promise<LineBlock[]> {
  const found: LineBlock[] = []
  let below = from
  for (let size = first; !isEnough(below) && below.number > 0n && BigInt(found.length) < LONGEST_STEP; size *= 4n) {
    const room = LONGEST_STEP - BigInt(found.length)
    const count = [size, room, below.number].reduce((least, each) => (each < least ? each : least))
    const numbers = Array.from({ length: Number(count) }, (_, index) => below.number - 1n - BigInt(index))
    const asked = await Promise.all(
      numbers.map((number) => node.read('eth_getBlockByNumber', [toQuantity(number), false], Block.nullable())),
    )
    for (const answer of asked) {
      const isParent = answer.ok && answer.value?.hash === below.parentHash
      const block: LineBlock | undefined = isParent ? lineBlock(answer.value!) : await parentOf(node, below, lineBlock)
      if (block === undefined) return found
      found.push(block)
      below = block
      if (isEnough(below)) return found
    }
  }
  return found
}

async function parentOf(
  node: NodeReader,
  child: LineBlock,
  lineBlock: (block: z.output<typeof Block>) => LineBlock,
): Promise<LineBlock | undefined> {
  const answer = await node.read('eth_getBlockByHash', [child.parentHash, false], Block.nullable())
  if (!answer.ok || answer.value?.hash !== child.parentHash) return undefined
  return answer.value.number === child.number - 1n ? lineBlock(answer.value) : undefined
}
