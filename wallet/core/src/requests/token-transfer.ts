import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { AddressText, amountFault, amountFields, Despite, exactlyOneAmount, Memo, TokenRef } from './parts.ts'

export const tokenTransferFields = { to: AddressText, token: TokenRef, ...amountFields, memo: Memo.optional() }

/** Tokens (ERC-20, SPL, Token-2022) to one address, which is a wallet's, not a token account's. */
export const TokenTransferRequest = z
  .strictObject({
    type: z.literal('TOKEN_TRANSFER'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    ...tokenTransferFields,
  })
  .refine(exactlyOneAmount, amountFault)
  .meta({ id: 'TokenTransferRequest' })
export type TokenTransferRequest = z.infer<typeof TokenTransferRequest>
