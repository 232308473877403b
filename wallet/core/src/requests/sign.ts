import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { Despite } from './parts.ts'

/**
 * The body of POST /v1/transactions/sign: an unsigned transaction made elsewhere, 0x hex (EVM, types 0 to 2) or
 * base64 (Solana). It is judged by what it does, and signed as it is; the caller sends it.
 */
export const SignRequest = z
  .strictObject({
    type: z.literal('SIGN').optional().default('SIGN'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    transaction: z
      .string()
      .min(1)
      .max(262_144)
      // Hex is the same in any letter case, base64 is not.
      .overwrite((text) => (/^0x[0-9a-fA-F]*$/.test(text) ? text.toLowerCase() : text)),
  })
  .meta({ id: 'SignRequest' })
export type SignRequest = z.infer<typeof SignRequest>
