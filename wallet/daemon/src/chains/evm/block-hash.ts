import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { toQuantity } from './quantity.ts'

const Hash = z
  .object({ hash: z.string() })
  .nullable()
  .transform((block) => block?.hash)

/** The hash of the block that a node has with this number now; undefined where it has none. */
export async function blockHashAt(node: Reader, number: bigint): Promise<RpcResult<string | undefined>> {
  return await node.read('eth_getBlockByNumber', [toQuantity(number), false], Hash)
}
