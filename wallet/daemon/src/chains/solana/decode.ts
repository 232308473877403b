import {
  type CompiledTransactionMessage,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
} from '@solana/transaction-messages'
import type { Effect, Network } from '@waiaas/core'
import { COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM, MEMO_V1_PROGRAM, SYSTEM_PROGRAM, SYSTEM_TRANSFER } from './programs.ts'

const decoder = getCompiledTransactionMessageDecoder()
const encoder = getCompiledTransactionMessageEncoder()

type Readable = Extract<CompiledTransactionMessage, { version: 'legacy' | 0 }>
type Instruction = { program: string; accounts: readonly string[]; data: Uint8Array }

/** What a message (legacy or version 0) does when `wallet` signs and pays for it. What it cannot read is `opaque`. */
export function decodeSolana(message: Uint8Array, wallet: string, network: Network): Effect[] {
  const compiled = read(message)
  if (compiled === undefined) return [opaque('not a message of version legacy or 0')]
  if (compiled.version === 0 && (compiled.addressTableLookups ?? []).length > 0) return [opaque('lookup tables')]
  if (compiled.header.numSignerAccounts !== 1) return [opaque('needs other signatures too')]
  if (compiled.staticAccounts[0] !== wallet) return [opaque('paid by another account')]
  return compiled.instructions.flatMap((each) => {
    const accounts = (each.accountIndices ?? []).map((index) => compiled.staticAccounts[index])
    const program = compiled.staticAccounts[each.programAddressIndex]
    if (program === undefined || !accounts.every((account) => account !== undefined)) return [opaque('account missing')]
    return effectsOf({ program, accounts, data: Uint8Array.from(each.data ?? []) }, wallet, network)
  })
}

function effectsOf(instruction: Instruction, wallet: string, network: Network): Effect[] {
  switch (instruction.program) {
    case SYSTEM_PROGRAM:
      return [systemEffect(instruction, wallet, network)]
    case COMPUTE_BUDGET_PROGRAM:
    case MEMO_PROGRAM:
    case MEMO_V1_PROGRAM:
      return []
    default:
      return [opaque(`program ${instruction.program}`)]
  }
}

function systemEffect({ accounts, data }: Instruction, wallet: string, network: Network): Effect {
  const view = Buffer.from(data)
  if (view.length !== 12 || view.readUInt32LE(0) !== SYSTEM_TRANSFER || accounts.length !== 2) {
    return opaque('instruction of the System program')
  }
  const [from, to] = accounts as [string, string]
  if (from !== wallet) return opaque('payment out of another account')
  const asset = { network: network.name, ...network.native }
  return { kind: 'spend', asset, amount: view.readBigUInt64LE(4), to }
}

/** `undefined` for bytes that are not exactly one readable message. */
function read(message: Uint8Array): Readable | undefined {
  try {
    const compiled = decoder.decode(message)
    if (compiled.version !== 'legacy' && compiled.version !== 0) return undefined
    return Buffer.from(encoder.encode(compiled)).equals(message) ? compiled : undefined
  } catch {
    return undefined
  }
}

function opaque(why: string): Effect {
  return { kind: 'opaque', why }
}
