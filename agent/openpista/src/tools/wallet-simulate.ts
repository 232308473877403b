import { oneLine } from '../domain/one-line.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { simulationWords } from '../wallet/words.ts'
import { failed, succeeded } from './answer.ts'
import { PaymentInput, paymentRequest } from './payment-input.ts'
import { networkFor } from './payment-network.ts'
import { defineTool, type Tool } from './tool.ts'
import { withWallet } from './wallet-answer.ts'

/** `wallet.simulate`: what a payment would do and what the policy would say. Nothing is stored. */
export function createWalletSimulate(wallet: Wallet): Tool<typeof PaymentInput> {
  return defineTool({
    name: 'wallet.simulate',
    description: 'Dry run of a payment: effects, fee, verdict of the policy.',
    input: PaymentInput,
    risk: 'read',
    repeatable: true,
    summary: ({ amount, to }) => oneLine(`simulate ${amount} to ${to}`),
    scope: () => 'wallet.simulate',
    run: async (input) =>
      await withWallet('wallet.simulate', async () => {
        const found = input.network === undefined ? networkFor(input.to, await wallet.getWallet()) : input
        if ('choose' in found && found.choose !== undefined) return failed(found.choose)
        return succeeded(simulationWords(await wallet.simulate(paymentRequest({ ...input, network: found.network }))))
      }),
  })
}
