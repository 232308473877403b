import type { BlockRef, Missing } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { EvmTraits } from './evm-traits.ts'
import { Block, type Line, type LineBlock } from './line.ts'

/** The newest block that cannot vanish any more. */
export type Final = { ok: true; block: BlockRef } | { ok: false; missing: Missing }

export type Finality = {
  /** Asks a node, whose newest block this is. */
  read: (node: NodeReader, head: LineBlock, line: Line) => Promise<Final>
  /** The newest final block that was seen. */
  last: () => bigint | null
}

/** Finality that stands still for this many times its usual lag is none. */
const STANDSTILL = 10

/**
 * Tells which block is final. A node that names none, or one above its newest block, tells nothing; nor does one
 * whose answer has not changed for ten times as long as usual. A depth below the newest block stands in only where the operator set one.
 *
 * @param monotonic milliseconds that only go forward.
 */
export function createFinality(
  traits: Pick<EvmTraits, 'finality' | 'finalityLagMs'>,
  depth: bigint | undefined,
  monotonic: () => number,
): Finality {
  let newest = 0n
  let since = monotonic()
  const read: Finality['read'] = async (node, head, line) => {
    if (depth !== undefined) return await byDepth(node, head, line, depth)
    if (traits.finality === 'latest') return { ok: true, block: head }
    const answer = await node.read('eth_getBlockByNumber', ['finalized', false], Block.nullable())
    if (!answer.ok) return unavailable(answer.failure.message)
    const block = answer.value
    if (block === null || block.number === 0n) return unavailable('The node names no final block.')
    if (block.number > head.number) return unavailable('The node calls a block final that is above its newest one.')
    if (block.number > newest) {
      newest = block.number
      since = monotonic()
    } else if (monotonic() - since > STANDSTILL * traits.finalityLagMs) {
      return unavailable(`The network has had no new final block since ${newest}.`)
    }
    return { ok: true, block: { number: block.number, hash: block.hash } }
  }
  let last: bigint | null = null
  return {
    read: async (node, head, line) => {
      const final = await read(node, head, line)
      if (final.ok && (last === null || final.block.number > last)) last = final.block.number
      return final
    },
    last: () => last,
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

/** True where a block is final: the final block is on the followed line, and so is this one, at or below it. */
export function isFinal(line: Line, final: Final, { number, hash }: BlockRef): boolean {
  if (!final.ok || number > final.block.number) return false
  return line.at(final.block.number)?.hash === final.block.hash && line.at(number)?.hash === hash
}
