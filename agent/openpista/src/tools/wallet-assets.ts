import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { tokenName } from '../domain/token-name.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'
import { Network, withWallet } from './wallet-answer.ts'

const Input = z.strictObject({ network: Network })

/** `wallet.assets`: coins and listed tokens on one network. What a contract calls itself is a short word. */
export function createWalletAssets(wallet: Wallet): Tool<typeof Input> {
  return defineTool({
    name: 'wallet.assets',
    description: 'Coins and tokens of your wallet on a network.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ network }) => oneLine(`assets${network === undefined ? '' : ` on ${network}`}`),
    scope: () => 'wallet.assets',
    run: async ({ network }) =>
      await withWallet('wallet.assets', async () => {
        const found = await wallet.getAssets(network === undefined ? {} : { network })
        const lines = found.assets.map(({ address, symbol, balance, humanBalance }) => {
          const token = address === undefined ? '' : `, token ${address}`
          return `${humanBalance} ${tokenName(symbol)} (${balance} base units${token})`
        })
        return succeeded([`${found.network}, ${found.address}:`, ...lines].join('\n'))
      }),
  })
}
