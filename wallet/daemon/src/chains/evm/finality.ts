import type { BlockRef, Missing } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { blockHashAt } from './block-hash.ts'
import type { EvmTraits } from './evm-traits.ts'
import { Block, type Line, type LineBlock } from './line.ts'
import { Quantity } from './quantity.ts'

/** The newest block that cannot vanish any more. */
export type Final = { ok: true; block: BlockRef } | { ok: false; missing: Missing }

export type Finality = {
  /** Asks a node, whose newest block this is. */
  read: (node: NodeReader, head: LineBlock, line: Line) => Promise<Final>
  /** The newest final block that was read, unless the line shows that it is none of its blocks. */
  last: (line: Line) => BlockRef | null
  /** Up to which number one node calls its blocks final; undefined where it names none, or where every block is final. */
  finalOn: (node: NodeReader) => Promise<bigint | undefined>
}

/** Finality that stands still for this many times its usual lag is none. */
const STANDSTILL = 10

/**
 * Reads which block is final. It is unavailable where a node names none, one above its newest block, one that is not
 * on its line, or the same one for ten times as long as usual. A depth below the newest block stands in only where
 * the operator set one.
 *
 * Nothing outlives the line that it was read with: what a node says once about another chain, or a block that does
 * not exist, ends with the next look at a node that follows the right one.
 *
 * The exception is the last block that was followed until it was final: after a restart of the line, nothing is final
 * until a node shows that block. Local chains, and those with a depth, may go back further.
 *
 * @param agree whether the nodes agree on a block.
 * @param monotonic milliseconds that only go forward.
 */
export function createFinality(
  traits: Pick<EvmTraits, 'finality' | 'finalityLagMs'>,
  depth: bigint | undefined,
  agree: (block: BlockRef) => Promise<boolean>,
  monotonic: () => number,
): Finality {
  const isLasting = depth === undefined && traits.finality === 'finalized'
  const anchor = createAnchor(agree, monotonic)
  /** By node: one that is stuck says nothing about the others. */
  const progress = new Map<number, { block: BlockRef; since: number }>()
  const read: Finality['read'] = async (node, head, line) => {
    if (depth !== undefined) return await byDepth(node, head, line, depth)
    if (traits.finality === 'latest') return { ok: true, block: head }
    const answer = await node.read('eth_getBlockByNumber', ['finalized', false], Block.nullable())
    if (!answer.ok) return unavailable(answer.failure.message)
    if (answer.value === null || answer.value.number === 0n) return unavailable('The node names no final block.')
    const { number, hash } = answer.value
    const block = { number, hash }
    if (number > head.number) return unavailable('The node calls a block final that is above its newest one.')
    if (isOff(line, block)) return unavailable('The node calls a block final that is not below its newest one.')
    const before = progress.get(node.node.index)
    if (before === undefined || number > before.block.number || isOff(line, before.block)) {
      progress.set(node.node.index, { block, since: monotonic() })
    } else if (monotonic() - before.since > STANDSTILL * traits.finalityLagMs) {
      return unavailable(`The network has had no new final block since ${before.block.number}.`)
    }
    return { ok: true, block }
  }
  let newest: BlockRef | null = null
  return {
    read: async (node, head, line) => {
      const final = await read(node, head, line)
      if (!final.ok || isOff(line, final.block)) return final
      if (isLasting && !(await anchor.holds(node, line))) return unavailable(anchor.lost(node))
      if (isLasting) await anchor.moveTo(final.block, line)
      const { number, hash } = final.block
      if (newest === null || number > newest.number || isOff(line, newest)) newest = { number, hash }
      return final
    },
    last: (line) => (newest === null || isOff(line, newest) ? null : newest),
    finalOn: async (node) => {
      if (depth !== undefined) {
        const height = await node.read('eth_blockNumber', [], Quantity)
        if (!height.ok) return undefined
        return height.value > depth ? height.value - depth : 0n
      }
      if (traits.finality === 'latest') return undefined
      const answer = await node.read('eth_getBlockByNumber', ['finalized', false], Block.nullable())
      return answer.ok ? answer.value?.number || undefined : undefined
    },
  }
}

/** How old the anchor may become, ms. */
const ANCHOR_MS = 60_000

/**
 * A block that was followed until it was final, and that the nodes agreed on: whatever follows the same chain has it.
 * An endpoint that is switched to another chain does not, nor a chain that began anew. Kept as long as the process.
 */
function createAnchor(agree: (block: BlockRef) => Promise<boolean>, monotonic: () => number) {
  let kept: { block: BlockRef; at: number } | undefined
  /** The start of the line that has it. */
  let held = 0
  return {
    holds: async (node: NodeReader, line: Line): Promise<boolean> => {
      const start = line.starts()
      if (kept === undefined || held === start) return true
      const { number, hash } = kept.block
      const there = await blockHashAt(node, number)
      if (!there.ok || there.value !== hash) return false
      held = start
      return true
    },
    moveTo: async (block: BlockRef, line: Line): Promise<void> => {
      if (kept !== undefined && (monotonic() - kept.at < ANCHOR_MS || block.number <= kept.block.number)) return
      if (line.at(block.number)?.hash !== block.hash || !(await agree(block))) return
      kept = { block, at: monotonic() }
      held = line.starts()
    },
    lost: ({ node }: NodeReader): string =>
      `${node.host} does not show block ${kept?.block.number} as it was when it was final: it serves another chain, or the ` +
      'network has taken back what was final. Once you know that it is the right one, restart the daemon.',
  }
}

async function byDepth(node: NodeReader, head: LineBlock, line: Line, depth: bigint): Promise<Final> {
  const number = head.number > depth ? head.number - depth : 0n
  const block = (await line.reach(node, number)) ? line.at(number) : undefined
  if (block !== undefined) return { ok: true, block }
  return unavailable('The blocks down to the configured depth are not read yet.')
}

function unavailable(message: string): Final {
  return { ok: false, missing: { code: 'FINALITY_UNAVAILABLE', message } }
}

/** Whether the line shows that a block is not on it: it is above the newest one, or another block has its number. */
function isOff(line: Line, { number, hash }: BlockRef): boolean {
  const newest = line.newest()
  return newest === undefined || number > newest.number || (line.at(number)?.hash ?? hash) !== hash
}

/** True where a block is final: the final block is on the followed line, and so is this one, at or below it. */
export function isFinal(line: Line, final: Final, { number, hash }: BlockRef): boolean {
  if (!final.ok || number > final.block.number) return false
  return line.at(final.block.number)?.hash === final.block.hash && line.at(number)?.hash === hash
}
