import {
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
} from '@solana/transaction-messages'

const decoder = getCompiledTransactionMessageDecoder()
const encoder = getCompiledTransactionMessageEncoder()

export type ReadInstruction = { program: string; accounts: readonly string[]; data: Buffer }

/** A message of any version, its lookup tables resolved. */
export type ReadMessage = {
  /** The accounts that must sign, the payer first. */
  signers: readonly string[]
  writable: readonly string[]
  accounts: readonly string[]
  instructions: readonly ReadInstruction[]
  /** A recent blockhash, or the value of a durable nonce. */
  lifetime: string
  /** Compute units and priority fee where the message itself names them (version 1), which no instruction then does. */
  config: { units: number; priorityFee: bigint } | undefined
}

/** By address of the table. */
export type Tables = ReadonlyMap<string, readonly string[]>

/** The lookup tables that a message needs; none for bytes that are no message. */
export function tablesOf(message: Uint8Array): string[] {
  const compiled = decodeMessage(message)
  return compiled === undefined ? [] : lookupsOf(compiled).map(({ lookupTableAddress }) => lookupTableAddress)
}

/** The accounts that must sign a message, the payer first; none for bytes that are no message. */
export function signersOf(message: Uint8Array): string[] {
  const compiled = decodeMessage(message)
  return compiled === undefined ? [] : compiled.staticAccounts.slice(0, compiled.header.numSignerAccounts)
}

/** What is in a message, or in words why it cannot be read. */
export function readMessage(
  message: Uint8Array,
  tables: Tables,
): { ok: true; message: ReadMessage } | { ok: false; why: string } {
  const compiled = decodeMessage(message)
  if (compiled === undefined) return { ok: false, why: 'not a message of version legacy, 0 or 1' }
  const { header, staticAccounts } = compiled
  const loaded = load(compiled, tables)
  if (loaded === undefined) return { ok: false, why: 'a lookup table that cannot be read' }
  const accounts = [...staticAccounts, ...loaded.writable, ...loaded.readonly]
  const instructions: ReadInstruction[] = []
  for (const { program: index, accounts: indices, data } of instructionsOf(compiled)) {
    const program = accounts[index]
    const named = indices.map((each) => accounts[each])
    if (program === undefined || !named.every((each) => each !== undefined))
      return { ok: false, why: 'account missing' }
    instructions.push({ program, accounts: named, data: Buffer.from(data) })
  }
  const { numSignerAccounts: signers, numReadonlySignerAccounts, numReadonlyNonSignerAccounts } = header
  const isWritable = (index: number) =>
    index < signers
      ? index < signers - numReadonlySignerAccounts
      : index < staticAccounts.length - numReadonlyNonSignerAccounts
  return {
    ok: true,
    message: {
      signers: staticAccounts.slice(0, signers),
      writable: [...staticAccounts.filter((_, index) => isWritable(index)), ...loaded.writable],
      accounts,
      instructions,
      lifetime: compiled.lifetimeToken,
      config: compiled.version === 1 ? configOf(compiled) : undefined,
    },
  }
}

/** A program, and how many accounts it is called with. */
export type CalledProgram = { program: string; accounts: number }

/** What the instructions of a message call, in their order; none for bytes that are no message. A program is in no lookup table. */
export function programsIn(message: Uint8Array): CalledProgram[] {
  const compiled = decodeMessage(message)
  if (compiled === undefined) return []
  return instructionsOf(compiled).map(({ program, accounts }) => ({
    program: compiled.staticAccounts[program] ?? '',
    accounts: accounts.length,
  }))
}

/** `0x` and the first eight bytes of an instruction, which tell most programs what to do. */
export function selectorOf(data: Uint8Array): string {
  return `0x${Buffer.from(data.subarray(0, 8)).toString('hex')}`
}

type Compiled = CompiledTransactionMessage & CompiledTransactionMessageWithLifetime

/** `undefined` for bytes that are not exactly one readable message. */
export function decodeMessage(message: Uint8Array): Compiled | undefined {
  try {
    const compiled = decoder.decode(message)
    return Buffer.from(encoder.encode(compiled)).equals(message) ? compiled : undefined
  } catch {
    return undefined
  }
}

function instructionsOf(compiled: CompiledTransactionMessage) {
  if (compiled.version === 1) {
    return compiled.instructionHeaders.map(({ programAccountIndex }, index) => {
      const payload = compiled.instructionPayloads[index]!
      return {
        program: programAccountIndex,
        accounts: payload.instructionAccountIndices,
        data: payload.instructionData,
      }
    })
  }
  return compiled.instructions.map(({ programAddressIndex, accountIndices = [], data = new Uint8Array() }) => ({
    program: programAddressIndex,
    accounts: accountIndices,
    data,
  }))
}

function lookupsOf(compiled: CompiledTransactionMessage) {
  return compiled.version === 0 ? (compiled.addressTableLookups ?? []) : []
}

function load(
  compiled: CompiledTransactionMessage,
  tables: Tables,
): { writable: string[]; readonly: string[] } | undefined {
  const writable: string[] = []
  const readonly: string[] = []
  for (const { lookupTableAddress, writableIndexes, readonlyIndexes } of lookupsOf(compiled)) {
    const table = tables.get(lookupTableAddress) ?? []
    if (![...writableIndexes, ...readonlyIndexes].every((index) => table[index] !== undefined)) return undefined
    writable.push(...writableIndexes.map((index) => table[index]!))
    readonly.push(...readonlyIndexes.map((index) => table[index]!))
  }
  return { writable, readonly }
}

/** The values stand in the order of their bits in the mask. */
function configOf({ configMask, configValues }: Extract<CompiledTransactionMessage, { version: 1 }>) {
  const hasFee = (configMask & 0b11) === 0b11
  const units = configMask & 0b100 ? configValues[hasFee ? 1 : 0]?.value : 0
  return { units: Number(units ?? 0), priorityFee: hasFee ? BigInt(configValues[0]?.value ?? 0) : 0n }
}
