import type { Address } from '@solana/addresses'
import type { Blockhash } from '@solana/rpc-types'
import { expect, test } from 'vitest'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { buildMessage, transferInstruction } from './message.ts'
import { ATA_PROGRAM, MEMO_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { explainFailure } from './transaction-error.ts'

const payer = newSolanaKey().account.address
const account = newSolanaKey().account.address as Address

/** An instruction with so many accounts. */
const calling = (programAddress: Address, count = 4) => ({
  programAddress,
  accounts: Array.from({ length: count }, () => ({ address: account, role: 0 as const })),
  data: new Uint8Array([0]),
})
const lifetime = { blockhash: '1'.repeat(32) as Blockhash, lastValidBlockHeight: 0n }
const instructions = [
  transferInstruction(payer, account, 1n),
  calling(ATA_PROGRAM),
  calling(TOKEN_PROGRAM),
  calling(TOKEN_2022_PROGRAM),
  calling(TOKEN_2022_PROGRAM, 7),
  calling(MEMO_PROGRAM),
]
const message = buildMessage(payer, instructions, { units: 1_000, unitPrice: 0n }, lifetime)
/** Two instructions that set the compute budget come first. */
const SYSTEM = 2
const of = (instruction: number, reason: unknown) => ({ InstructionError: [instruction, reason] })

const noCoins = { why: 'the account that pays has too few coins', code: 'INSUFFICIENT_BALANCE' }
const noTokens = { why: 'the token account has too few tokens', code: 'INSUFFICIENT_TOKEN_BALANCE' }

test.each([
  ['a transfer of coins', of(SYSTEM, { Custom: 1 }), noCoins],
  ['the opening of a token account', of(SYSTEM + 1, { Custom: 1 }), noCoins],
  ['a transfer of tokens', of(SYSTEM + 2, { Custom: 1 }), noTokens],
  ['a transfer of Token-2022', of(SYSTEM + 3, { Custom: 1 }), noTokens],
  ['any instruction', of(SYSTEM + 5, 'InsufficientFunds'), noCoins],
  ['the fee', 'InsufficientFundsForFee', { why: 'the balance does not cover the fee', code: 'INSUFFICIENT_BALANCE' }],
])('that coins or tokens do not suffice for %s has its code', (_, error, failure) => {
  expect(explainFailure(error, message)).toEqual(failure)
})

test.each([
  [{ InsufficientFundsForRent: { account_index: 1 } }, 'an account would be left below the rent-exempt minimum'],
  [of(SYSTEM + 2, { Custom: 17 }), 'the token account is frozen'],
  [of(SYSTEM + 3, { Custom: 36 }), 'the recipient takes tokens only with a memo'],
  [of(SYSTEM + 5, 'ComputationalBudgetExceeded'), 'it took more compute units than it may'],
  [of(SYSTEM, { Custom: 77 }), `instruction 3, of program ${'1'.repeat(32)}, failed with error code 77`],
  [of(SYSTEM + 5, 'MissingAccount'), `instruction 8, of program ${MEMO_PROGRAM}, failed with MissingAccount`],
  [of(99, { Custom: 1 }), 'instruction 100 failed with error code 1'],
  ['WouldExceedMaxBlockCostLimit', 'WouldExceedMaxBlockCostLimit'],
  [{ DuplicateInstruction: 3 }, '{"DuplicateInstruction":3}'],
])('%j is explained', (error, why) => {
  expect(explainFailure(error, message)).toEqual({ why })
})

test('where a program of the issuer runs at a transfer, the code may be that program’s', () => {
  const why = `instruction 7, of program ${TOKEN_2022_PROGRAM}, failed with error code 1`
  expect(explainFailure(of(SYSTEM + 4, { Custom: 1 }), message)).toEqual({ why })
})

test('an error without the message that it is about is told all the same', () => {
  expect(explainFailure(of(2, { Custom: 1 }), undefined)).toEqual({ why: 'instruction 3 failed with error code 1' })
})
