import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import {
  appendTransactionMessageInstructions,
  compileTransactionMessage,
  createTransactionMessage,
  getCompiledTransactionMessageEncoder,
  setTransactionMessageComputeUnitLimit,
  setTransactionMessageComputeUnitPrice,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/transaction-messages'
import { MEMO_PROGRAM, SYSTEM_PROGRAM, SYSTEM_TRANSFER, verifierPrograms } from './programs.ts'
import type { ReadMessage } from './read-message.ts'

export type Lifetime = Parameters<typeof setTransactionMessageLifetimeUsingBlockhash>[0]
export type ComputeBudget = { units: number; unitPrice: bigint }

const encoder = getCompiledTransactionMessageEncoder()

/** The bytes that are signed: a version 0 message without lookup tables. */
export function buildMessage(
  payer: string,
  instructions: readonly Instruction[],
  budget: ComputeBudget,
  lifetime: Lifetime,
): Uint8Array {
  const empty = createTransactionMessage({ version: 0 })
  const paid = setTransactionMessageFeePayer(payer as Address, empty)
  const timed = setTransactionMessageLifetimeUsingBlockhash(lifetime, paid)
  const limited = setTransactionMessageComputeUnitLimit(budget.units, timed)
  const priced = setTransactionMessageComputeUnitPrice(budget.unitPrice, limited)
  return encoder.encode(
    compileTransactionMessage(appendTransactionMessageInstructions(instructions, priced)),
  ) as Uint8Array
}

export function transferInstruction(from: string, to: string, lamports: bigint): Instruction {
  const data = Buffer.alloc(12)
  data.writeUInt32LE(SYSTEM_TRANSFER, 0)
  data.writeBigUInt64LE(lamports, 4)
  return {
    programAddress: SYSTEM_PROGRAM,
    accounts: [
      { address: from as Address, role: AccountRole.WRITABLE_SIGNER },
      { address: to as Address, role: AccountRole.WRITABLE },
    ],
    data,
  }
}

export function memoInstruction(memo: string): Instruction {
  return { programAddress: MEMO_PROGRAM, accounts: [], data: Buffer.from(memo, 'utf8') }
}

/** A transaction with one signature, as it travels: count, signature, message. */
export function withSignature(message: Uint8Array, signature: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(1), signature, message])
}

const FEE_PER_SIGNATURE = 5_000n
const MICRO = 1_000_000n

/** What signatures and a compute budget cost; Solana charges for the limit, not for what was used. */
export function feeOf({ units, unitPrice }: ComputeBudget, signatures: number): bigint {
  return FEE_PER_SIGNATURE * BigInt(signatures) + (BigInt(units) * unitPrice + MICRO - 1n) / MICRO
}

/** How many signatures a message pays for: its own, and those it has programs verify. */
export function signaturesIn({ signers, instructions }: Pick<ReadMessage, 'signers' | 'instructions'>): number {
  return instructions
    .filter(({ program }) => verifierPrograms.includes(program))
    .reduce((count, { data }) => count + (data[0] ?? 0), signers.length)
}
