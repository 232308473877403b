import { AccountRole, type Instruction } from '@solana/instructions'
import { type SingleRequest, singleRequest, type TransactionRequest } from '@waiaas/core'
import { type Refusal, refuse } from '../payment.ts'
import { prepareApprove } from './approve.ts'
import type { SolanaContext, SolanaPrepared } from './context.ts'
import { prepareContractCall } from './contract-call.ts'
import { prepareTokenTransfer } from './token-transfer.ts'
import { prepareTransfer } from './transfer.ts'

/** The instructions for a request; those of a batch, one after the other, in one transaction that can be built. */
export async function prepareSolana(
  context: SolanaContext,
  request: TransactionRequest,
  from: string,
): Promise<SolanaPrepared | Refusal> {
  const prepared = await prepareAll(context, request, from)
  return prepared.ok ? (checkPrograms(prepared.instructions, from) ?? prepared) : prepared
}

/** A program that is called can neither pay the fee nor be written: kit does not compile such a message. */
function checkPrograms(instructions: readonly Instruction[], from: string): Refusal | undefined {
  const programs = new Set<string>(instructions.map(({ programAddress }) => programAddress))
  if (programs.has(from)) return refuse('VALIDATION_FAILED', `${from} is the wallet itself, and no program to call.`)
  const accounts = instructions.flatMap(({ accounts: each = [] }) => each)
  const wrong = accounts.find(({ address, role }) => programs.has(address) && role !== AccountRole.READONLY)
  if (wrong === undefined) return undefined
  const why = `${wrong.address} is a program that this transaction calls`
  return refuse(
    'VALIDATION_FAILED',
    `${why}: it can neither sign nor be written or paid (isSigner and isWritable false).`,
  )
}

async function prepareAll(
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
    wallets: all.flatMap(({ wallets }) => wallets),
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
