import { z } from 'zod'
import type { BlockRef } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { toQuantity } from './quantity.ts'

const Header = z.object({ hash: z.string() }).nullable()

/**
 * Whether the nodes agree on a block: every node that has one with its number has this one, and at least one has.
 * A node that is behind, or away, has none; one that serves another chain now is not heard. Asked once per block.
 */
export function createAgreement(rpc: Pick<RpcPool, 'onEach'>): (block: BlockRef) => Promise<boolean> {
  let last: { hash: string; agree: Promise<boolean> } | undefined
  const ask = async ({ number, hash }: BlockRef) => {
    const asked = await rpc.onEach(async (node) => {
      const [block, served] = await Promise.all([
        node.read('eth_getBlockByNumber', [toQuantity(number), false], Header),
        node.confirm(),
      ])
      return served.ok ? block : served
    })
    const blocks = asked.ok ? asked.value.filter((block) => block !== null) : []
    return blocks.length > 0 && blocks.every((block) => block.hash === hash)
  }
  return async (block) => {
    if (last?.hash !== block.hash) last = { hash: block.hash, agree: ask(block) }
    const { agree, hash } = last
    const isAgreed = await agree
    if (!isAgreed && last?.hash === hash) last = undefined
    return isAgreed
  }
}
