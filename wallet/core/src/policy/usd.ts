import { z } from 'zod'
import { formatUnits, parseUnits } from '../amount.ts'

/** Dollars are counted in whole micro-dollars. */
const USD_DECIMALS = 6

/** A dollar amount in a rule: number or decimal string, at most six decimals; parsed to micro-dollars, exactly. */
export const UsdAmount = z.union([z.number(), z.string().max(40)]).transform((value, context): bigint => {
  const micros = parseUnits(String(value), USD_DECIMALS)
  if (micros !== undefined) return micros
  context.addIssue({ code: 'custom', message: 'must be dollars, at most six decimals, such as 10 or "0.5"' })
  return z.NEVER
})

/** What an amount is worth in micro-dollars, rounded up. `price`: micro-dollars for one human unit. */
export function usdValue(amount: bigint, decimals: number, price: bigint): bigint {
  const unit = 10n ** BigInt(decimals)
  return (amount * price + unit - 1n) / unit
}

/** "USD 12.5". */
export function usdText(micros: bigint): string {
  return `USD ${formatUnits(micros, USD_DECIMALS)}`
}
