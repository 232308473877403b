import {
  type ChainFamily,
  type ErrorCode,
  formatUnits,
  type Network,
  parseAddress,
  parseUnits,
  type TransactionRequest,
} from '@waiaas/core'

export type Refusal = { ok: false; code: ErrorCode; message: string }
export type Payment = { ok: true; to: string; amount: bigint }

const families: readonly ChainFamily[] = ['evm', 'solana']

/** Recipient and amount of a request in the native coin, checked as far as that goes without the chain. */
export function parsePayment(request: TransactionRequest, network: Network, maxAmount: bigint): Payment | Refusal {
  const recipient = parseRecipient(request.to, network)
  if (!recipient.ok) return recipient
  const amount = parseAmount(request, network, maxAmount)
  return amount.ok ? { ok: true, to: recipient.to, amount: amount.amount } : amount
}

function parseRecipient(to: string, network: Network): { ok: true; to: string } | Refusal {
  const parsed = parseAddress(network.family, to)
  if (parsed.ok) return { ok: true, to: parsed.address }
  const other = families.find((family) => family !== network.family && parseAddress(family, to).ok)
  const why = other === undefined ? parsed.fault : `it is an address of another chain (${other})`
  return { ok: false, code: 'INVALID_ADDRESS', message: `${to} cannot be paid on ${network.name}: ${why}.` }
}

function parseAmount(
  { amount, humanAmount }: Pick<TransactionRequest, 'amount' | 'humanAmount'>,
  network: Network,
  maxAmount: bigint,
): { ok: true; amount: bigint } | Refusal {
  const { symbol, decimals } = network.native
  const refuse = (message: string): Refusal => ({ ok: false, code: 'VALIDATION_FAILED', message })
  if ((amount === undefined) === (humanAmount === undefined)) {
    return refuse('Give exactly one of amount and humanAmount.')
  }
  const units = amount === undefined ? parseUnits(humanAmount!, decimals) : BigInt(amount)
  if (units === undefined) return refuse(`${symbol} has ${decimals} decimals; ${humanAmount} has more.`)
  if (units === 0n) return refuse('The amount is zero.')
  if (units > maxAmount) return refuse(`The amount is above what ${network.name} can hold.`)
  return { ok: true, amount: units }
}

/** "1.5 ETH". */
export function describeAmount(amount: bigint, network: Network): string {
  return `${formatUnits(amount, network.native.decimals)} ${network.native.symbol}`
}

/** The refusal where balance, amount and fee do not add up; `undefined` where they do. */
export function checkBalance(balance: bigint, amount: bigint, maxFee: bigint, network: Network): Refusal | undefined {
  if (balance >= amount + maxFee) return undefined
  const show = (value: bigint) => describeAmount(value, network)
  const fee = maxFee === 0n ? '' : ` and a fee of up to ${show(maxFee)}`
  const message = `The balance is ${show(balance)}; the payment needs ${show(amount)}${fee}.`
  return { ok: false, code: 'INSUFFICIENT_BALANCE', message }
}
