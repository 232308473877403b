import type { Network } from '@waiaas/core'
import type { Tables } from './read-message.ts'
import type { Mint } from './token-state.ts'

/** What must be known of the chain to read a message. */
export type SolanaFacts = {
  network: Network
  wallet: string
  tokenAccounts: ReadonlyMap<string, { mint: string; owner: string; delegate?: string | undefined }>
  mints: ReadonlyMap<string, Mint>
  /** Lamports that come to accounts which the transaction makes; zero for those that are there already. */
  created: ReadonlyMap<string, bigint>
  tables: Tables
}
