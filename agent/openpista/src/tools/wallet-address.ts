import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'
import { Network, withWallet } from './wallet-answer.ts'

const Input = z.strictObject({ network: Network })

/** `wallet.address`: where others can pay to. */
export function createWalletAddress(wallet: Wallet): Tool<typeof Input> {
  return defineTool({
    name: 'wallet.address',
    description: 'Address of your wallet on a network.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ network }) => oneLine(`address${network === undefined ? '' : ` on ${network}`}`),
    scope: () => 'wallet.address',
    run: async ({ network }) =>
      await withWallet('wallet.address', async () => {
        const found = await wallet.getAddress(network === undefined ? {} : { network })
        return succeeded(`${found.network}: ${found.address}`)
      }),
  })
}
