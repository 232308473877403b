import { z } from 'zod'

/** An unsigned 64-bit number in an answer: above 2^53 the reader of JSON makes it a bigint. */
export const U64 = z
  .union([z.number().int().nonnegative(), z.bigint().nonnegative()])
  .transform((value) => BigInt(value))

export const InContext = <Schema extends z.ZodType>(value: Schema) => z.object({ value })

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
