import type { Address } from '@solana/addresses'
import type { Instruction } from '@solana/instructions'
import type { Blockhash } from '@solana/rpc-types'
import {
  appendTransactionMessageInstructions,
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  compileTransactionMessage,
  createTransactionMessage,
  getCompiledTransactionMessageEncoder,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/transaction-messages'
import { sealEnvelope } from './envelope.ts'

export type Compiled = CompiledTransactionMessage & CompiledTransactionMessageWithLifetime

/** A message as a wallet library makes it. */
export function compileOutside(
  version: 'legacy' | 0 | 1,
  payer: string,
  instructions: readonly Instruction[],
  blockhash: string,
): Compiled {
  const lifetime = { blockhash: blockhash as Blockhash, lastValidBlockHeight: 1n }
  const empty = createTransactionMessage({ version: version as 0 })
  const paid = setTransactionMessageFeePayer(payer as Address, empty)
  const timed = setTransactionMessageLifetimeUsingBlockhash(lifetime, paid)
  return compileTransactionMessage(appendTransactionMessageInstructions(instructions, timed)) as Compiled
}

/** The unsigned transaction with a message, in base64. */
export function sealOutside(compiled: Compiled): string {
  const message = getCompiledTransactionMessageEncoder().encode(compiled) as Uint8Array
  const signatures = Array.from({ length: compiled.header.numSignerAccounts }, () => new Uint8Array(64))
  return Buffer.from(sealEnvelope({ message, signatures })).toString('base64')
}
