import { type SingleRequest, singleRequest, type TransactionRequest } from '@waiaas/core'
import type { Refusal } from '../payment.ts'
import { prepareApprove } from './approve.ts'
import type { SolanaContext, SolanaPrepared } from './context.ts'
import { prepareContractCall } from './contract-call.ts'
import { prepareTokenTransfer } from './token-transfer.ts'
import { prepareTransfer } from './transfer.ts'

/** The instructions for a request; those of a batch, one after the other, in one transaction. */
export async function prepareSolana(
  context: SolanaContext,
  request: TransactionRequest,
  from: string,
): Promise<SolanaPrepared | Refusal> {
  if (request.type !== 'BATCH') return await prepareSingle(context, request, from)
  const all: SolanaPrepared[] = []
  for (const [index, instruction] of request.instructions.entries()) {
    const prepared = await prepareSingle(context, singleRequest(instruction), from)
    if (!prepared.ok) return { ...prepared, message: `Instruction ${index + 1}: ${prepared.message}` }
    all.push(prepared)
  }
  const amounts = all.filter(({ asset }) => asset === context.network.native).map(({ amount }) => amount)
  return {
    ok: true,
    instructions: all.flatMap(({ instructions }) => instructions),
    amount: amounts.reduce((sum, amount) => sum + amount, 0n),
    asset: context.network.native,
    to: all[0]!.to,
  }
}

function prepareSingle(
  context: SolanaContext,
  request: SingleRequest,
  from: string,
): SolanaPrepared | Refusal | Promise<SolanaPrepared | Refusal> {
  switch (request.type) {
    case 'TRANSFER':
      return prepareTransfer(request, context.network, from)
    case 'TOKEN_TRANSFER':
      return prepareTokenTransfer(context, request, from)
    case 'CONTRACT_CALL':
      return prepareContractCall(request, context.network, from)
    case 'APPROVE':
      return prepareApprove(context, request, from)
  }
}
