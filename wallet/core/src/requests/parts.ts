import { z } from 'zod'
import { parseAddress } from '../address.ts'
import { BaseUnits, HumanAmount } from '../amount.ts'

/**
 * An address as text; the adapter of the chain checks it. One that is written in several ways is kept in one, so that
 * a request that is repeated in another letter case is the same request. Solana's addresses have one form only.
 */
export const AddressText = z.string().min(1).max(128).overwrite(oneForm)

function oneForm(text: string): string {
  const parsed = parseAddress('evm', text)
  return parsed.ok ? parsed.address : text
}

/** How much: base units or human units, exactly one of them. */
export const amountFields = {
  amount: BaseUnits.optional(),
  humanAmount: HumanAmount.overwrite((text) => text.replace(/\.0+$|(\.\d*[1-9])0+$/, '$1')).optional(),
}

type Amounts = { amount?: string | undefined; humanAmount?: string | undefined }
export const exactlyOneAmount = ({ amount, humanAmount }: Amounts) =>
  (amount === undefined) !== (humanAmount === undefined)
export const amountFault = { message: 'give exactly one of amount and humanAmount', path: ['amount'] }

/**
 * Controls, line separators, and characters that are not seen but change what is: marks of direction, tags, fillers.
 * The two joiners stay, as scripts and emoji need them.
 */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u

/** Words for the payee. Everything in them can be seen, so that what is approved is what is read. */
export const Memo = z
  .string()
  .max(256)
  .refine((text) => text.isWellFormed() && !UNSEEN.test(text), {
    message:
      'must not have control characters, line breaks, or characters that are invisible or turn the direction of text',
  })

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
