import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'
import { Network, withWallet } from './wallet-answer.ts'

const Input = z.strictObject({ network: Network })

/** `wallet.balance`: the native coin on one network, or on every network of the wallet. */
export function createWalletBalance(wallet: Wallet): Tool<typeof Input> {
  return defineTool({
    name: 'wallet.balance',
    description: 'Balance of your wallet, on one network or all.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ network }) => oneLine(`balance${network === undefined ? '' : ` on ${network}`}`),
    scope: () => 'wallet.balance',
    run: async ({ network }) =>
      await withWallet('wallet.balance', async () => {
        const networks = network === undefined ? await networksOf(wallet) : [network]
        const lines = await Promise.all(
          networks.map(async (name) => {
            const found = await wallet.getBalance({ network: name })
            const { balance, humanBalance, symbol, address } = found
            return `${found.network}: ${humanBalance} ${oneLine(symbol)} (${balance} base units) at ${address}`
          }),
        )
        return succeeded(lines.join('\n'))
      }),
  })
}

async function networksOf(wallet: Wallet): Promise<string[]> {
  const { wallets } = await wallet.getWallet()
  return wallets.flatMap(({ networks }) => networks)
}
