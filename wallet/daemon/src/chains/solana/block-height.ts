import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { U64 } from './wire.ts'

const Epoch = z.object({ blockHeight: U64 })

/** How many blocks there are; nodes that do not offer `getBlockHeight` report it with the epoch. */
export async function readBlockHeight(rpc: Reader, commitment: 'confirmed' | 'finalized'): Promise<RpcResult<bigint>> {
  const height = await rpc.read('getBlockHeight', [{ commitment }], U64)
  if (height.ok || height.failure.kind !== 'unable') return height
  const epoch = await rpc.read('getEpochInfo', [{ commitment }], Epoch)
  return epoch.ok ? { ok: true, value: epoch.value.blockHeight } : height
}
