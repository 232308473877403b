import { z } from 'zod'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'
import { Quantity } from './quantity.ts'

const NOBODY = `0x${'00'.repeat(20)}`
const Block = z.object({ hash: z.string() }).nullable()

/** What an EVM node does not offer of what is used here where it is offered. */
export async function probeEvm(node: NodeReader): Promise<string[]> {
  const [final, latest, simulation, history] = await Promise.all([
    node.read('eth_getBlockByNumber', ['finalized', false], Block),
    node.read('eth_getBlockByNumber', ['latest', false], Block),
    node.read('eth_simulateV1', [{ blockStateCalls: [{ calls: [] }] }, 'latest'], z.unknown()),
    node.read('eth_feeHistory', ['0x1', 'latest', []], z.unknown()),
  ])
  const hash = latest.ok ? latest.value?.hash : undefined
  const pinned =
    hash === undefined ? undefined : await node.read('eth_getTransactionCount', [NOBODY, { blockHash: hash }], Quantity)
  return [
    ...(isLacking(final) || (final.ok && final.value === null) ? ['the final block (tag finalized)'] : []),
    ...(pinned !== undefined && isLacking(pinned) ? ['counts at a block hash (EIP-1898)'] : []),
    ...(isLacking(simulation) ? ['simulation (eth_simulateV1)'] : []),
    ...(isLacking(history) ? ['fees of past blocks (eth_feeHistory)'] : []),
  ]
}

/** A node that is away lacks nothing that is known. */
function isLacking(answer: RpcResult<unknown>): boolean {
  return !answer.ok && (answer.failure.kind === 'unable' || answer.failure.kind === 'error')
}
