import type { ErrorCode } from '@waiaas/core'
import { clip } from '../clip.ts'
import { ATA_PROGRAM, SYSTEM_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { type CalledProgram, programsIn } from './read-message.ts'

/** Why a transaction failed, as part of a sentence. `code`: what that is to a caller; absent where it has no code. */
export type Failure = { why: string; code?: ErrorCode }

const noCoins: Failure = { why: 'the account that pays has too few coins', code: 'INSUFFICIENT_BALANCE' }
const belowRent: Failure = { why: 'an account would be left below the rent-exempt minimum' }

/** Of the whole transaction: anza-xyz/solana-sdk, transaction-error/src/lib.rs. */
const failures: Readonly<Record<string, Failure>> = {
  AccountNotFound: { why: 'the wallet has no coins yet', code: 'INSUFFICIENT_BALANCE' },
  InsufficientFundsForFee: { why: 'the balance does not cover the fee', code: 'INSUFFICIENT_BALANCE' },
  InsufficientFundsForRent: belowRent,
}

/** Of one instruction, whatever program it calls: anza-xyz/solana-sdk, instruction-error/src/lib.rs. */
const instructionFailures: Readonly<Record<string, Failure>> = {
  InsufficientFunds: noCoins,
  AccountNotRentExempt: belowRent,
  ComputationalBudgetExceeded: { why: 'it took more compute units than it may' },
}

type Codes = Readonly<Record<number, Failure>>

/** `TokenError`: solana-program/token, interface/src/error.rs. */
const tokenErrors: Codes = {
  0: belowRent,
  1: { why: 'the token account has too few tokens', code: 'INSUFFICIENT_TOKEN_BALANCE' },
  3: { why: 'a token account is one of another token' },
  4: { why: 'the token account has another owner' },
  17: { why: 'the token account is frozen' },
}

/** What programs mean by their own codes. */
const programErrors: Readonly<Record<string, Codes>> = {
  // `SystemError`: solana-program/system, interface/src/error.rs.
  [SYSTEM_PROGRAM]: { 0: { why: 'an account that it opens exists already' }, 1: noCoins },
  // Has no code 1 of its own, and passes on those of the System program, which takes the deposit from the payer:
  // solana-program/associated-token-account, program/src/error.rs and tools/account.rs.
  [ATA_PROGRAM]: { 1: noCoins },
  [TOKEN_PROGRAM]: tokenErrors,
  // The same, and more: solana-program/token-2022, interface/src/error.rs.
  [TOKEN_2022_PROGRAM]: {
    ...tokenErrors,
    36: { why: 'the recipient takes tokens only with a memo' },
    37: { why: 'the token cannot be transferred' },
    67: { why: 'the issuer has paused the token' },
  },
}

/** Accounts of a transfer at which no program of the issuer runs: source, mint, destination, owner. */
const PLAIN_TRANSFER_ACCOUNTS = 4

/**
 * What the error of a transaction means.
 *
 * @param error as the runtime gives it, such as `{ InstructionError: [2, { Custom: 1 }] }`.
 * @param message the message of the transaction, which says what program an instruction calls.
 */
export function explainFailure(error: unknown, message: Uint8Array | undefined): Failure {
  if (typeof error === 'string') return failures[error] ?? { why: clip(error) }
  const [name, detail] = Object.entries((error ?? {}) as object)[0] ?? []
  if (name !== 'InstructionError' || !Array.isArray(detail)) {
    return (name === undefined ? undefined : failures[name]) ?? { why: clip(JSON.stringify(error)) }
  }
  const [index, reason] = detail as [number, unknown]
  const called = message === undefined ? undefined : programsIn(message)[index]
  return knownFailure(reason, called) ?? { why: `${placeOf(index, called)} failed with ${nameOf(reason)}` }
}

function knownFailure(reason: unknown, called: CalledProgram | undefined): Failure | undefined {
  if (typeof reason === 'string') return instructionFailures[reason]
  const code = customCode(reason)
  if (code === undefined || called === undefined) return undefined
  // The code may be the one of the issuer's program.
  if (called.program === TOKEN_2022_PROGRAM && called.accounts > PLAIN_TRANSFER_ACCOUNTS) return undefined
  return programErrors[called.program]?.[code]
}

function placeOf(index: number, called: CalledProgram | undefined): string {
  const place = `instruction ${index + 1}`
  return called === undefined ? place : `${place}, of program ${called.program},`
}

function nameOf(reason: unknown): string {
  const code = customCode(reason)
  return code === undefined ? clip(typeof reason === 'string' ? reason : JSON.stringify(reason)) : `error code ${code}`
}

function customCode(reason: unknown): number | undefined {
  const code = (reason as { Custom?: unknown } | null)?.Custom
  return typeof code === 'number' ? code : undefined
}
