import type { Kysely, Selectable } from 'kysely'
import { walletById } from '../store/agents.ts'
import type { Tables } from '../store/tables.ts'
import type { TransactionRow } from '../store/transactions.ts'

export type Wallet = Selectable<Tables['wallets']>

/** The wallet of a transaction. */
export type WalletSource = (row: Pick<TransactionRow, 'wallet_id'>) => Promise<Wallet>

const MOST_REMEMBERED = 1_000

/** Reads a wallet once: its row never changes, and is never removed. */
export function createWalletSource(db: Kysely<Tables>): WalletSource {
  const known = new Map<string, Wallet>()
  return async ({ wallet_id: id }) => {
    const remembered = known.get(id)
    if (remembered !== undefined) return remembered
    const wallet = await walletById(db, id)
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value!)
    known.set(id, wallet)
    return wallet
  }
}
