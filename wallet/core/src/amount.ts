import { z } from 'zod'

/** An amount in base units (wei, lamports) on the wire: decimal digits, no sign, at most 2^256 - 1. */
export const BaseUnits = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, { error: 'must be a whole number of base units, in digits', abort: true })
  .refine((value) => BigInt(value) < 1n << 256n, 'must be below 2^256')
  .meta({ description: 'Amount in base units (wei, lamports), decimal digits', examples: ['1000000000000000'] })

/** An amount in human units on the wire: "0.5". Decimals come from the chain, never from the request. */
export const HumanAmount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,59})(\.[0-9]{1,36})?$/, 'must be a decimal number such as 0.5')
  .meta({ description: 'Amount in human units (ETH, SOL)', examples: ['0.001'] })

/**
 * Human units to base units, exactly.
 *
 * @returns `undefined` when `text` has more decimals than the asset, or is no plain decimal number.
 */
export function parseUnits(text: string, decimals: number): bigint | undefined {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return undefined
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals) return undefined
  return BigInt(match[1] + fraction.padEnd(decimals, '0'))
}

/** What human units of an asset are made with. */
export type Unit = {
  decimals: number
  /** Human units are base units times this, where a mint scales what wallets show; a plain decimal number. */
  multiplier?: string
}

/** Base units as wallets show them: exactly, or rounded to the asset's decimals where it has a multiplier. */
export function humanUnits(amount: bigint, { decimals, multiplier }: Unit): string {
  if (multiplier === undefined) return formatUnits(amount, decimals)
  const { digits, one } = fraction(multiplier)
  return formatUnits((2n * amount * digits + one) / (2n * one), decimals)
}

/** What wallets show to base units: exactly, or rounded down to what is there where the asset has a multiplier. */
export function parseHumanUnits(text: string, { decimals, multiplier }: Unit): bigint | undefined {
  const units = parseUnits(text, decimals)
  if (units === undefined || multiplier === undefined) return units
  const { digits, one } = fraction(multiplier)
  return (units * one) / digits
}

function fraction(multiplier: string): { digits: bigint; one: bigint } {
  const [whole, rest = ''] = multiplier.split('.')
  return { digits: BigInt(`${whole}${rest}`), one: 10n ** BigInt(rest.length) }
}

/** Base units to human units, exactly, without trailing zeros. */
export function formatUnits(amount: bigint, decimals: number): string {
  const negative = amount < 0n
  const digits = (negative ? -amount : amount).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
