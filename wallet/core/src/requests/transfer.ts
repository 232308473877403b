import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { AddressText, amountFault, amountFields, Despite, exactlyOneAmount, Memo } from './parts.ts'

export const transferFields = { to: AddressText, ...amountFields, memo: Memo.optional() }

/** Native coin to one address. The `type` may be left out. */
export const TransferRequest = z
  .strictObject({
    type: z.literal('TRANSFER').optional().default('TRANSFER'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    ...transferFields,
  })
  .refine(exactlyOneAmount, amountFault)
  .meta({ id: 'TransferRequest' })
export type TransferRequest = z.infer<typeof TransferRequest>
