import type { BlockRef } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { blockHashAt } from './block-hash.ts'

/**
 * Whether the nodes agree on a block: every node that has one with its number has this one, and at least one has.
 * A node that is behind, or away, has none; one that serves another chain now is not heard. Asked once per block.
 */
export function createAgreement(rpc: Pick<RpcPool, 'onEach'>): (block: BlockRef) => Promise<boolean> {
  let last: { hash: string; agree: Promise<boolean> } | undefined
  const ask = async ({ number, hash }: BlockRef) => {
    const asked = await rpc.onEach(async (node) => {
      const [there, served] = await Promise.all([blockHashAt(node, number), node.confirm()])
      return served.ok ? there : served
    })
    const hashes = asked.ok ? asked.value.filter((each) => each !== undefined) : []
    return hashes.length > 0 && hashes.every((each) => each === hash)
  }
  return async (block) => {
    if (last?.hash !== block.hash) last = { hash: block.hash, agree: ask(block) }
    const { agree, hash } = last
    const isAgreed = await agree
    if (!isAgreed && last?.hash === hash) last = undefined
    return isAgreed
  }
}
