import { z } from 'zod'

/** An unsigned 64-bit number in an answer: above 2^53 the reader of JSON makes it a bigint. */
export const U64 = z
  .union([z.number().int().nonnegative(), z.bigint().nonnegative()])
  .transform((value) => BigInt(value))

export const InContext = <Schema extends z.ZodType>(value: Schema) => z.object({ value })

/** Slot and height of the newest block, of `getEpochInfo`. */
export const EpochInfo = z.object({ absoluteSlot: U64, blockHeight: U64 })

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/**
 * For `maxSupportedTransactionVersion`, 0 to 255. Blocks hold transactions of others in any version, and one above the
 * maximum fails the whole call (-32015). Only signatures and `meta` are read, which no version changes.
 * Source: chainstack/dev-portal#691; version 1 is on mainnet since September 2026 (SIMD-0385).
 */
export const ANY_VERSION = 255
