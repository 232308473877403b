import { z } from 'zod'

/** A number as Ethereum's JSON-RPC writes it: 0x and hex digits. */
export const Quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))

export const Data = z.templateLiteral(['0x', z.string()])

export function toQuantity(value: bigint): `0x${string}` {
  return `0x${value.toString(16)}`
}
