import { z } from 'zod'
import { NetworkRef } from '../network.ts'

/** An unsigned transaction made elsewhere: 0x hex (EVM, types 0 to 2) or base64 (Solana), to be judged and signed. */
export const SignRequest = z
  .strictObject({ network: NetworkRef.optional(), transaction: z.string().min(1).max(262_144) })
  .meta({ id: 'SignRequest' })
export type SignRequest = z.infer<typeof SignRequest>
