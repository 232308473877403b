import { budgetOf } from './compute-budget.ts'
import { openEnvelope } from './envelope.ts'
import { feeOf, signaturesIn } from './message.ts'
import { readMessage, tablesOf } from './read-message.ts'

/**
 * What a transaction costs that is in a block, whether it failed or not: a validator charges for its signatures and for
 * the compute limit that it sets (agave, fee/src/lib.rs). `undefined` where that does not follow from its bytes alone.
 */
export function chargedFee(raw: Uint8Array): bigint | undefined {
  const message = openEnvelope(raw)?.message
  if (message === undefined || tablesOf(message).length > 0) return undefined
  const read = readMessage(message, new Map())
  if (!read.ok) return undefined
  const budget = budgetOf(read.message)
  if (!budget.ok) return undefined
  return feeOf(budget.budget, signaturesIn(read.message)) + (read.message.config?.priorityFee ?? 0n)
}
