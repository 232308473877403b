import { z } from 'zod'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'

/** A signature that no transaction has. */
const NO_SIGNATURE = '1'.repeat(64)

/** What a Solana node does not offer of what is used here where it is offered. */
export async function probeSolana(node: NodeReader): Promise<string[]> {
  const [history, first, prices, simulation] = await Promise.all([
    node.read('getSignatureStatuses', [[NO_SIGNATURE], { searchTransactionHistory: true }], z.unknown()),
    node.read('getFirstAvailableBlock', [], z.unknown()),
    node.read('getRecentPrioritizationFees', [[]], z.unknown()),
    // Objected to where the method is offered.
    node.read('simulateTransaction', ['', { encoding: 'base64' }], z.unknown()),
  ])
  return [
    ...(isUnable(history) ? ['transaction history'] : []),
    ...(isUnable(first) ? ['its first block (getFirstAvailableBlock)'] : []),
    ...(isUnable(prices) ? ['usual priority fees (getRecentPrioritizationFees)'] : []),
    ...(isUnable(simulation) ? ['simulation (simulateTransaction)'] : []),
  ]
}

function isUnable(answer: RpcResult<unknown>): boolean {
  return !answer.ok && answer.failure.kind === 'unable'
}
