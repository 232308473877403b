import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { AddressText, amountFault, amountFields, Despite, exactlyOneAmount, TokenRef } from './parts.ts'

export const approveFields = { spender: AddressText, token: TokenRef, ...amountFields }

/** Lets a spender take tokens up to an amount; the amount 0 takes that back. */
export const ApproveRequest = z
  .strictObject({
    type: z.literal('APPROVE'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    ...approveFields,
  })
  .refine(exactlyOneAmount, amountFault)
  .meta({ id: 'ApproveRequest' })
export type ApproveRequest = z.infer<typeof ApproveRequest>
