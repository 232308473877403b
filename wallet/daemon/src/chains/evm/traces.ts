import { z } from 'zod'
import type { BlockRef, Trace } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { blockListing } from './consumed.ts'
import { toQuantity } from './quantity.ts'

/** Which of these transactions a node has in a block. */
export async function readTraces(
  rpc: Pick<RpcPool, 'onEach'>,
  hashes: readonly string[],
): Promise<{ ok: true; found: Trace[] } | { ok: false; message: string }> {
  const asked = await rpc.onEach(async (node) => {
    const found: Trace[] = []
    for (const hash of hashes) {
      const block = await blockListing(node, hash)
      if (block !== undefined) found.push({ hash, node: node.node.host, block })
    }
    return { ok: true, value: found }
  })
  return asked.ok ? { ok: true, found: asked.value.flat() } : { ok: false, message: asked.failure.message }
}

const Header = z.object({ hash: z.string() }).nullable()

/** Whether each of these blocks is still the one with its number, as far as the node has one; and the hash of the first block. */
export async function readStanding(
  rpc: Pick<RpcPool, 'onOne'>,
  blocks: readonly BlockRef[],
): Promise<{ ok: true; standing: boolean[]; genesis: string } | { ok: false; message: string }> {
  const read = await rpc.onOne(async (node) => {
    const header = (number: bigint) => node.read('eth_getBlockByNumber', [toQuantity(number), false], Header)
    const [genesis, ...answers] = await Promise.all([header(0n), ...blocks.map(({ number }) => header(number))])
    if (!genesis.ok) return genesis
    const failed = answers.find((answer) => !answer.ok)
    if (failed !== undefined && !failed.ok) return failed
    const standing = answers.map(
      (answer, index) => !answer.ok || (answer.value?.hash ?? blocks[index]!.hash) === blocks[index]!.hash,
    )
    return { ok: true, value: { standing, genesis: genesis.value?.hash ?? '' } }
  })
  return read.ok ? { ok: true, ...read.value } : { ok: false, message: read.failure.message }
}
