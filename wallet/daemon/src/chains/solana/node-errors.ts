import type { Broadcast } from '../chain-adapter.ts'
import { clip } from '../clip.ts'
import type { RpcFailure } from '../rpc-result.ts'

/** What a failed `sendTransaction` (without preflight) says. Nothing of it proves that the bytes are not out. */
export function readBroadcastFailure(failure: RpcFailure): Broadcast {
  if (failure.kind !== 'error') return { kind: 'not accepted', message: failure.message, unheard: true }
  if (/already (been )?processed|AlreadyProcessed/i.test(failure.message)) return { kind: 'accepted' }
  return { kind: 'not accepted', message: clip(failure.message) }
}

const meanings: Readonly<Record<string, string>> = {
  AccountNotFound: 'the wallet has no coins yet',
  InsufficientFundsForFee: 'the balance does not cover the fee',
  InsufficientFundsForRent: 'an account would be left below the rent-exempt minimum',
}

/** The error of a transaction, as the runtime gives it, in words. */
export function describeTransactionError(error: unknown): string {
  if (typeof error === 'string') return meanings[error] ?? clip(error)
  const [name] = Object.keys((error ?? {}) as object)
  return (name === undefined ? undefined : meanings[name]) ?? clip(JSON.stringify(error))
}
