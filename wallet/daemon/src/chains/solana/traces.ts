import type { Trace } from '../chain-adapter.ts'
import type { RpcPool } from '../rpc-pool.ts'
import { readStatuses } from './outcomes.ts'

/** Which of these signatures a node has in a block that cannot vanish. A node that serves something else has said nothing. */
export async function readTraces(
  rpc: Pick<RpcPool, 'onEach'>,
  hashes: readonly string[],
): Promise<{ ok: true; found: Trace[] } | { ok: false; message: string }> {
  const asked = await rpc.onEach(async (node) => {
    const whole = await readStatuses(node, hashes, 'history')
    const isRecent = !whole.ok && whole.failure.kind === 'unable'
    const read = isRecent ? await readStatuses(node, hashes, 'last blocks') : whole
    if (!read.ok) return read
    const found: Trace[] = []
    for (const [hash, status] of read.value) {
      if (status?.confirmationStatus !== 'finalized') continue
      found.push({ hash, node: node.node.host, block: { number: status.slot, hash: '' } })
    }
    const confirmed = await node.confirm()
    return confirmed.ok ? { ok: true, value: found } : confirmed
  })
  return asked.ok ? { ok: true, found: asked.value.flat() } : { ok: false, message: asked.failure.message }
}
