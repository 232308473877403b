import type { Network, TransferRequest } from '@waiaas/core'
import { parsePayment, type Refusal, refuse } from '../payment.ts'
import type { EvmPrepared } from './prepared.ts'

export const MAX_UINT256 = (1n << 256n) - 1n

/** Native coin to one address. EVM transactions have no memo; the request's is kept with the row only. */
export function prepareTransfer(request: TransferRequest, network: Network): EvmPrepared | Refusal {
  const payment = parsePayment(request, network, MAX_UINT256)
  if (!payment.ok) return payment
  const { to, amount } = payment
  const lost = checkSomebody(to)
  if (lost !== undefined) return lost
  return { ok: true, call: { to: to as `0x${string}`, value: amount, data: '0x' }, amount, asset: network.native, to }
}

/** The refusal for an address that nobody has. */
export function checkSomebody(address: string): Refusal | undefined {
  if (BigInt(address) !== 0n) return undefined
  return refuse('INVALID_ADDRESS', `${address} is nobody's address: what goes there is lost.`)
}
