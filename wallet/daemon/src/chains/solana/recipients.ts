import { type Refusal, refuse } from '../payment.ts'
import type { AccountState, Accounts } from './accounts.ts'
import { NONCE_BYTES } from './lifetime.ts'
import {
  ATA_PROGRAM,
  builtinPrograms,
  guardedPrograms,
  LOOKUP_TABLE_PROGRAM,
  MEMO_PROGRAM,
  MEMO_V1_PROGRAM,
  METADATA_PROGRAM,
  SYSTEM_PROGRAM,
  tokenPrograms,
  verifierPrograms,
} from './programs.ts'
import type { ReadInstruction } from './read-message.ts'
import { TokenInstruction } from './token-instructions.ts'
import { readMint, readTokenAccount } from './token-state.ts'

/** Something at an address that is no wallet. `isLost`: coins sent there never come back, or only by its issuer's grace. */
export type NoWallet = { what: string; isLost: boolean }

/**
 * What is at an address, if it is no wallet. A wallet is an address where nothing is yet, or an account of the
 * System program without data; that holds for the vaults of multisig programs (Squads), which have no key and
 * lie off the curve, as well. Every other account takes coins without a fault, and keeps them:
 * anza-xyz/agave#9320, solana-labs/token-list#24516, project-serum/spl-token-wallet#142,
 * solana-foundation/solana-com#1563.
 */
export function noWallet(address: string, state: AccountState | null | undefined): NoWallet | undefined {
  if (programs.has(address)) return { what: 'a program', isLost: true }
  if (address.startsWith('Sysvar')) return { what: 'a sysvar', isLost: true }
  if (address === INCINERATOR) return { what: 'the incinerator, which burns what it gets', isLost: true }
  if (!state) return undefined
  const { owner, executable, data } = state
  if (executable || owner === NATIVE_LOADER) return { what: 'a program', isLost: true }
  if (owner.startsWith('Sysvar')) return { what: 'a sysvar', isLost: true }
  if (loaders.includes(owner)) return { what: 'the data of a program', isLost: true }
  if (tokenPrograms.includes(owner)) return { what: tokenThing(address, state), isLost: true }
  if (owner === SYSTEM_PROGRAM) {
    if (data.length === 0) return undefined
    return { what: data.length === NONCE_BYTES ? 'a nonce account' : 'an account that holds data', isLost: false }
  }
  const guarded = guardedPrograms[owner]
  return { what: guarded === undefined ? `an account of the program ${owner}` : `a ${guarded} account`, isLost: false }
}

/** The refusal to pay an address that is no wallet. */
export function notPayable(address: string, { what }: NoWallet): Refusal {
  const wanted = 'Give the address of the wallet that shall be paid'
  return refuse('INVALID_ADDRESS', `${address} is ${what}, and no wallet: what is sent there may be lost. ${wanted}.`)
}

/**
 * The refusal where a message pays what can pay nobody; `undefined` where it does not. Only `wallets` have to be
 * wallets: an instruction that a program demands may fund that program's accounts, but none that keeps coins for
 * good. A token account of wrapped SOL that is told to count its coins afterwards keeps them for its owner.
 */
export function checkPaid(
  paid: readonly string[],
  wallets: readonly string[],
  accounts: Accounts,
  instructions: readonly ReadInstruction[],
): Refusal | undefined {
  for (const address of paid) {
    const found = noWallet(address, accounts.get(address))
    if (found === undefined || isWrapped(address, accounts.get(address), instructions)) continue
    if (found.isLost || wallets.includes(address)) return notPayable(address, found)
  }
  return undefined
}

/** The mint of wrapped SOL, of either token program. */
const wrappedMints: readonly string[] = [
  'So11111111111111111111111111111111111111112',
  '9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9',
]

function isWrapped(
  address: string,
  state: AccountState | null | undefined,
  instructions: readonly ReadInstruction[],
): boolean {
  const account = state ? readTokenAccount(state) : undefined
  if (account === undefined || !wrappedMints.includes(account.mint)) return false
  return instructions.some(
    ({ program, accounts, data }) =>
      program === account.program && data[0] === TokenInstruction.SyncNative && accounts[0] === address,
  )
}

function tokenThing(address: string, state: AccountState): string {
  if (readMint(address, state) !== undefined) return 'the mint of a token'
  return readTokenAccount(state) === undefined ? 'an account of the token program' : 'a token account'
}

const NATIVE_LOADER = 'NativeLoader1111111111111111111111111111111'
const INCINERATOR = '1nc1nerator11111111111111111111111111111111'

const loaders: readonly string[] = [
  'BPFLoader1111111111111111111111111111111111',
  'BPFLoader2111111111111111111111111111111111',
  'BPFLoaderUpgradeab1e11111111111111111111111',
  'LoaderV411111111111111111111111111111111111',
]

/** Programs that are known without asking, also on chains that do not run them. */
const programs: ReadonlySet<string> = new Set([
  ...builtinPrograms,
  ...Object.keys(guardedPrograms),
  ...tokenPrograms,
  ...verifierPrograms,
  ...[ATA_PROGRAM, MEMO_PROGRAM, MEMO_V1_PROGRAM, METADATA_PROGRAM, LOOKUP_TABLE_PROGRAM, NATIVE_LOADER],
])
