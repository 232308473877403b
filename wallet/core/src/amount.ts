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

/** Base units to human units, exactly, without trailing zeros. */
export function formatUnits(amount: bigint, decimals: number): string {
  const negative = amount < 0n
  const digits = (negative ? -amount : amount).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
