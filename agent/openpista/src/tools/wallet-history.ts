import { z } from 'zod'
import type { Wallet } from '../wallet/wallet.ts'
import { effectWords, isForeign, isoTime, statusWords } from '../wallet/words.ts'
import { succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'
import { withWallet } from './wallet-answer.ts'

const Input = z.strictObject({ limit: z.number().int().min(1).max(50).default(10) })

/** `wallet.history`: own transactions. What may be a stranger's words is left out: memos, and why a contract refused. */
export function createWalletHistory(wallet: Wallet): Tool<typeof Input> {
  return defineTool({
    name: 'wallet.history',
    description: 'Your latest transactions and what became of them, newest first.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ limit }) => `last ${limit} transactions`,
    scope: () => 'wallet.history',
    run: async ({ limit }) =>
      await withWallet('wallet.history', async () => {
        const { items } = await wallet.listTransactions({ limit })
        const lines = items.map((item) => {
          const what = item.effects.length === 0 ? item.type : item.effects.map(effectWords).join('; ')
          const { error } = item
          const told =
            error !== undefined && isForeign(error) ? { ...item, error: { ...error, message: error.code } } : item
          return `${isoTime(item.createdAt)} ${item.network} ${item.id}\n  ${what}\n  ${statusWords(told)}`
        })
        return succeeded(lines.length === 0 ? 'No transactions yet.' : lines.join('\n'))
      }),
  })
}
