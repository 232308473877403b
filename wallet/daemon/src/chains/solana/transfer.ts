import type { Instruction } from '@solana/instructions'
import type { Network, TransferRequest } from '@waiaas/core'
import { parsePayment, type Refusal } from '../payment.ts'
import { memoInstruction, transferInstruction } from './message.ts'

/** The instructions that a request asks for, before compute budget and lifetime. */
export type SolanaCall = {
  ok: true
  to: string
  amount: bigint
  memo: string | null
}

const MAX_U64 = (1n << 64n) - 1n

/** Native coin to one address, with the request's memo written on the chain. */
export function transferCall(request: TransferRequest, network: Network): SolanaCall | Refusal {
  const payment = parsePayment(request, network, MAX_U64)
  if (!payment.ok) return payment
  return { ok: true, to: payment.to, amount: payment.amount, memo: request.memo || null }
}

export function transferInstructions(from: string, { to, amount, memo }: Omit<SolanaCall, 'ok'>): Instruction[] {
  const transfer = transferInstruction(from, to, amount)
  return memo === null ? [transfer] : [transfer, memoInstruction(memo)]
}
