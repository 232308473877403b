import {
  type Asset,
  type ChainFamily,
  type ErrorCode,
  humanUnits,
  type Network,
  parseAddress,
  parseHumanUnits,
  type TransactionRequest,
  type TransferRequest,
} from '@waiaas/core'
import type { Account, Draft } from './chain-adapter.ts'

export type Refusal = { ok: false; code: ErrorCode; message: string }
export type Payment = { ok: true; to: string; amount: bigint }

type Unit = Pick<Asset, 'symbol' | 'decimals' | 'multiplier'>

const families: readonly ChainFamily[] = ['evm', 'solana']

export function refuse(code: ErrorCode, message: string): Refusal {
  return { ok: false, code, message }
}

/** Recipient and amount of a request in the native coin, checked as far as that goes without the chain. */
export function parsePayment(request: TransferRequest, network: Network, maxAmount: bigint): Payment | Refusal {
  const recipient = parseParty(request.to, network)
  if (!recipient.ok) return recipient
  const amount = parseAmount(request, network.native, maxAmount)
  if (!amount.ok) return amount
  if (amount.amount === 0n) return refuse('VALIDATION_FAILED', 'The amount is zero.')
  return { ok: true, to: recipient.address, amount: amount.amount }
}

/** `foresee` of a chain: a payment in the native coin to somebody else spends what it says. */
export function foreseePayment(
  request: TransactionRequest,
  from: Account,
  network: Network,
  maxAmount: bigint,
): Draft | undefined {
  if (request.type !== 'TRANSFER') return undefined
  const payment = parsePayment(request, network, maxAmount)
  if (!payment.ok || payment.to === from.address) return undefined
  const { to, amount } = payment
  const asset = { network: network.name, ...network.native }
  const effects: Draft['effects'] = [{ kind: 'spend', asset, amount, to }]
  return { effects, maxFee: 0n, plainFee: 0n, amount, asset: network.native, to, plan: null }
}

/** The canonical form of an address that a request names: a recipient, a spender, a token, a program. */
export function parseParty(text: string, network: Network): { ok: true; address: string } | Refusal {
  const parsed = parseAddress(network.family, text)
  if (parsed.ok) return parsed
  const other = families.find((family) => family !== network.family && parseAddress(family, text).ok)
  const why = other === undefined ? parsed.fault : `it is an address of another chain (${other})`
  return refuse('INVALID_ADDRESS', `${text} is not an address on ${network.name}: ${why}.`)
}

/** Base units of what a request names in base units or in human units, but not in both. */
export function parseAmount(
  { amount, humanAmount }: { amount?: string | undefined; humanAmount?: string | undefined },
  unit: Unit,
  maxAmount: bigint,
): { ok: true; amount: bigint } | Refusal {
  if ((amount === undefined) === (humanAmount === undefined)) {
    return refuse('VALIDATION_FAILED', 'Give exactly one of amount and humanAmount.')
  }
  const units = amount === undefined ? parseHumanUnits(humanAmount!, unit) : BigInt(amount)
  if (units === undefined) {
    return refuse('VALIDATION_FAILED', `${unit.symbol} has ${unit.decimals} decimals; ${humanAmount} has more.`)
  }
  if (units > maxAmount) return refuse('VALIDATION_FAILED', 'The amount is above what this chain can hold.')
  return { ok: true, amount: units }
}

/** "1.5 ETH". */
export function describeAmount(amount: bigint, unit: Unit): string {
  return `${humanUnits(amount, unit)} ${unit.symbol}`
}

/** The refusal where balance, amount and fee do not add up; `undefined` where they do. */
export function checkBalance(balance: bigint, amount: bigint, maxFee: bigint, network: Network): Refusal | undefined {
  if (balance >= amount + maxFee) return undefined
  const show = (value: bigint) => describeAmount(value, network.native)
  const fee = maxFee === 0n ? '' : ` and a fee of up to ${show(maxFee)}`
  return refuse('INSUFFICIENT_BALANCE', `The balance is ${show(balance)}; the payment needs ${show(amount)}${fee}.`)
}

/** The same for a token. */
export function checkTokenBalance(balance: bigint, amount: bigint, token: Unit): Refusal | undefined {
  if (balance >= amount) return undefined
  const message = `The wallet has ${describeAmount(balance, token)}; the payment needs ${describeAmount(amount, token)}.`
  return refuse('INSUFFICIENT_TOKEN_BALANCE', message)
}
