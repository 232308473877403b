import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { type ApproveRequest, approveFields } from './approve.ts'
import { type ContractCallRequest, callFault, contractCallFields, oneKindOfCall } from './contract-call.ts'
import { amountFault, Despite, exactlyOneAmount } from './parts.ts'
import { type TokenTransferRequest, tokenTransferFields } from './token-transfer.ts'
import { type TransferRequest, transferFields } from './transfer.ts'

/** One of a batch: its kind is told by its fields. */
const BatchInstruction = z.union(
  [
    z.strictObject(approveFields).refine(exactlyOneAmount, amountFault),
    z.strictObject(tokenTransferFields).refine(exactlyOneAmount, amountFault),
    z.strictObject(contractCallFields).refine(oneKindOfCall, callFault),
    z.strictObject(transferFields).refine(exactlyOneAmount, amountFault),
  ],
  {
    error:
      'must have the fields of one kind, with one of amount and humanAmount: spender and token; to and token; to and calldata; programId, instructionData and accounts; or to',
  },
)
type BatchInstruction = z.infer<typeof BatchInstruction>

/** Several requests that take effect together or not at all. */
export const BatchRequest = z
  .strictObject({
    type: z.literal('BATCH'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    instructions: z.array(BatchInstruction).min(2).max(20),
  })
  .meta({ id: 'BatchRequest' })
export type BatchRequest = z.infer<typeof BatchRequest>

/** A request that is no batch. */
export type SingleRequest = TransferRequest | TokenTransferRequest | ContractCallRequest | ApproveRequest

/** An instruction of a batch as the request it would be alone. */
export function singleRequest(instruction: BatchInstruction): SingleRequest {
  if ('spender' in instruction) return { type: 'APPROVE', ...instruction }
  if ('token' in instruction) return { type: 'TOKEN_TRANSFER', ...instruction }
  if ('programId' in instruction || 'calldata' in instruction) return { type: 'CONTRACT_CALL', ...instruction }
  return { type: 'TRANSFER', ...(instruction as z.infer<z.ZodObject<typeof transferFields>>) }
}
