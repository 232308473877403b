import type { Network, TransactionRequest } from '@waiaas/core'
import { parsePayment, type Refusal } from '../payment.ts'

/** The call that a request asks for, before gas and nonce. */
export type EvmCall = { ok: true; to: `0x${string}`; value: bigint; data: '0x'; amount: bigint }

const MAX_UINT256 = (1n << 256n) - 1n

/** Native coin to one address. EVM transactions have no memo; the request's is kept with the row only. */
export function transferCall(request: TransactionRequest, network: Network): EvmCall | Refusal {
  const payment = parsePayment(request, network, MAX_UINT256)
  if (!payment.ok) return payment
  const { to, amount } = payment
  if (BigInt(to) === 0n) {
    return { ok: false, code: 'INVALID_ADDRESS', message: `${to} is nobody's address: the payment would be lost.` }
  }
  return { ok: true, to: to as `0x${string}`, value: amount, data: '0x', amount }
}
