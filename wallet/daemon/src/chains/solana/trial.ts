import { z } from 'zod'
import type { RpcResult } from '../rpc-result.ts'
import { AccountInfo, type AccountState, type Accounts, readAccounts } from './accounts.ts'
import type { SolanaContext } from './context.ts'
import type { SolanaFacts } from './facts.ts'
import { readMints } from './mints.ts'
import type { ReadMessage, Tables } from './read-message.ts'
import { readTokenAccount, type TokenAccount } from './token-state.ts'
import { base64, InContext, U64 } from './wire.ts'

/** A transaction tried on the newest state, and every account it may write before and after it. */
export type Trial = {
  before: Accounts
  /** `undefined` where the node does not tell. */
  after: Accounts | undefined
  err: unknown
  unitsConsumed: bigint | undefined
}

const Simulation = InContext(
  z.object({ err: z.unknown(), unitsConsumed: U64.nullish(), accounts: z.array(AccountInfo).nullish() }),
)

/** Tries a transaction with any signatures and any blockhash. */
export async function tryTransaction(
  { rpc }: SolanaContext,
  transaction: Uint8Array,
  { writable }: Pick<ReadMessage, 'writable'>,
): Promise<RpcResult<Trial>> {
  const addresses = [...new Set(writable)]
  const options = {
    commitment: 'confirmed',
    encoding: 'base64',
    sigVerify: false,
    replaceRecentBlockhash: true,
    accounts: { encoding: 'base64', addresses },
  }
  const [before, simulated] = await Promise.all([
    readAccounts(rpc, addresses),
    rpc.read('simulateTransaction', [base64(transaction), options], Simulation),
  ])
  if (!before.ok) return before
  if (!simulated.ok) return simulated
  const { err, unitsConsumed, accounts } = simulated.value.value
  const after = accounts?.length === addresses.length ? accounts : undefined
  return {
    ok: true,
    value: {
      before: before.value,
      after: after && new Map(addresses.map((address, index) => [address, after[index] ?? null])),
      err: err ?? null,
      unitsConsumed: unitsConsumed ?? undefined,
    },
  }
}

/** What the trial tells about the accounts and tokens of a message. */
export async function factsOf(
  { rpc, network }: SolanaContext,
  { before, after }: Trial,
  wallet: string,
  tables: Tables,
): Promise<RpcResult<SolanaFacts>> {
  const tokenAccounts = new Map([...tokenAccountsIn(after ?? new Map()), ...tokenAccountsIn(before)])
  const mints = await readMints(
    rpc,
    [...tokenAccounts.values()].map(({ mint }) => mint),
  )
  if (!mints.ok) return mints
  const created = new Map<string, bigint>()
  for (const [address, state] of after ?? []) {
    if (state === null || readTokenAccount(state) === undefined) continue
    const previous = before.get(address) ?? null
    const isNew = previous === null || readTokenAccount(previous) === undefined
    created.set(address, isNew ? state.lamports - (previous?.lamports ?? 0n) : 0n)
  }
  return { ok: true, value: { network, wallet, tokenAccounts, mints: mints.value, created, tables } }
}

export function tokenAccountsIn(accounts: ReadonlyMap<string, AccountState | null>): Map<string, TokenAccount> {
  const found = new Map<string, TokenAccount>()
  for (const [address, state] of accounts) {
    const account = state === null ? undefined : readTokenAccount(state)
    if (account !== undefined) found.set(address, account)
  }
  return found
}
