import { z } from 'zod'
import { Network } from './wallet-answer.ts'

/** A payment as a model asks for it. */
export const PaymentInput = z.strictObject({
  to: z.string().min(1).max(128).meta({ description: 'Address' }),
  amount: z
    .string()
    .regex(/^(0|[1-9][0-9]{0,59})(\.[0-9]{1,36})?$/, 'must be a decimal number such as 0.5')
    .meta({ description: 'In whole coins: 0.01' }),
  symbol: z.string().min(1).max(20).optional().meta({ description: 'Coin that the owner named, to be sure: ETH' }),
  network: Network,
  memo: z.string().max(256).optional(),
})

/** The same for the wallet. */
export function paymentRequest({ to, amount, network, memo }: z.output<typeof PaymentInput>) {
  return {
    to,
    humanAmount: amount,
    ...(network === undefined ? {} : { network }),
    ...(memo === undefined ? {} : { memo }),
  }
}
