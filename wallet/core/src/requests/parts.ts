import { z } from 'zod'
import { BaseUnits, HumanAmount } from '../amount.ts'

/** An address as text; the adapter of the chain checks it. */
export const AddressText = z.string().min(1).max(128)

/** How much: base units or human units, exactly one of them. */
export const amountFields = { amount: BaseUnits.optional(), humanAmount: HumanAmount.optional() }

type Amounts = { amount?: string | undefined; humanAmount?: string | undefined }
export const exactlyOneAmount = ({ amount, humanAmount }: Amounts) =>
  (amount === undefined) !== (humanAmount === undefined)
export const amountFault = { message: 'give exactly one of amount and humanAmount', path: ['amount'] }

export const Memo = z.string().max(256)

/** A token by its contract or mint. What else is said of it must be what its chain says, or the request is refused. */
export const TokenRef = z
  .strictObject({
    address: AddressText,
    decimals: z.number().int().min(0).max(255).optional(),
    symbol: z.string().min(1).max(32).optional(),
  })
  .meta({ id: 'TokenRef' })
export type TokenRef = z.infer<typeof TokenRef>

/**
 * Id of an equal transaction that was given up and may still be paid. Without it an equal request is refused as long as
 * that one is open; with it, both may be paid.
 */
export const Despite = z.uuid()
