import type { Network, TransferRequest } from '@waiaas/core'
import { parsePayment, type Refusal } from '../payment.ts'
import type { SolanaPrepared } from './context.ts'
import { memoInstruction, transferInstruction } from './message.ts'
import { notPayable, noWallet } from './recipients.ts'

export const MAX_U64 = (1n << 64n) - 1n

/** Native coin to one address, with the request's memo written on the chain. */
export function prepareTransfer(request: TransferRequest, network: Network, from: string): SolanaPrepared | Refusal {
  const payment = parsePayment(request, network, MAX_U64)
  if (!payment.ok) return payment
  const { to, amount } = payment
  const found = noWallet(to, undefined)
  if (found !== undefined) return notPayable(to, found)
  const transfer = transferInstruction(from, to, amount)
  const instructions = request.memo ? [transfer, memoInstruction(request.memo)] : [transfer]
  return { ok: true, instructions, amount, asset: network.native, to, wallets: [to] }
}
