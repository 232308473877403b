import type { BlockRef, ChainAdapter, Trace } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { blockHashAt } from './block-hash.ts'
import { blockListing } from './consumed.ts'

/**
 * Which of these transactions a node has in a block that stays. Where a node names no final block, one counts that it
 * has at its number now.
 *
 * @param finalOn up to which number a node calls its blocks final.
 */
export async function readTraces(
  rpc: Pick<RpcPool, 'onEach'>,
  hashes: readonly string[],
  finalOn: (node: NodeReader) => Promise<bigint | undefined>,
): Promise<{ ok: true; found: Trace[] } | { ok: false; message: string }> {
  const asked = await rpc.onEach(async (node) => {
    const found: Trace[] = []
    for (const hash of hashes) {
      const block = await blockListing(node, hash)
      if (block !== undefined) found.push({ hash, node: node.node.host, block })
    }
    const final = found.length > 0 ? await finalOn(node) : undefined
    return { ok: true, value: found.filter(({ block }) => final === undefined || block.number <= final) }
  })
  return asked.ok ? { ok: true, found: asked.value.flat() } : { ok: false, message: asked.failure.message }
}

/**
 * Whether each of these blocks is still the one with its number; and the hash of the first block. One is gone only
 * where every node has another block with its number: one that is on a fork, or behind, does not speak for the others.
 * It is shown where one has it.
 */
export async function readStanding(
  rpc: Pick<RpcPool, 'onEach'>,
  blocks: readonly BlockRef[],
): ReturnType<NonNullable<ChainAdapter['standing']>> {
  const asked = await rpc.onEach(async (node) => {
    const [served, genesis, ...answers] = await Promise.all([
      node.confirm(),
      blockHashAt(node, 0n),
      ...blocks.map(({ number }) => blockHashAt(node, number)),
    ])
    if (!served.ok) return served
    if (!genesis.ok) return genesis
    const failed = answers.find((answer) => !answer.ok)
    if (failed !== undefined && !failed.ok) return failed
    const hashes = answers.map((answer) => (answer.ok ? answer.value : undefined))
    return { ok: true, value: { hashes, genesis: genesis.value ?? '' } }
  })
  if (!asked.ok) return { ok: false, message: asked.failure.message }
  const standing = blocks.map(({ hash }, index) =>
    asked.value.some(({ hashes }) => hashes[index] === undefined || hashes[index] === hash),
  )
  const shown = blocks.map(({ hash }, index) => asked.value.some(({ hashes }) => hashes[index] === hash))
  return { ok: true, standing, shown, genesis: asked.value[0]!.genesis }
}
