import type { Address } from '@solana/addresses'
import type { AccountRole, Instruction } from '@solana/instructions'
import type { Json } from '@waiaas/core'
import { z } from 'zod'
import { base64 } from './wire.ts'

const Digits = z.string().regex(/^\d+$/).transform(BigInt)

const PlannedInstruction = z
  .object({
    program: z.string(),
    accounts: z.array(z.tuple([z.string(), z.number().int().min(0).max(3)])),
    data: z.base64(),
  })
  .transform(
    ({ program, accounts, data }): Instruction => ({
      programAddress: program as Address,
      accounts: accounts.map(([address, role]) => ({ address: address as Address, role: role as AccountRole })),
      data: Buffer.from(data, 'base64'),
    }),
  )

/** What of a draft is needed to build its bytes. */
export const SolanaPlan = z.object({
  instructions: z.array(PlannedInstruction),
  units: z.number().int(),
  unitPrice: Digits,
})
export type SolanaPlan = z.output<typeof SolanaPlan>

/** The plan as it is stored. */
export function storedPlan({ instructions, units, unitPrice }: SolanaPlan): Json {
  const stored = instructions.map(({ programAddress, accounts = [], data = new Uint8Array() }) => ({
    program: programAddress,
    accounts: accounts.map(({ address, role }) => [address, role]),
    data: base64(Uint8Array.from(data)),
  }))
  return { instructions: stored, units, unitPrice: String(unitPrice) }
}
