import type { CompiledTransactionMessage } from '@solana/transaction-messages'

const MAX_ACCOUNTS = 256
const MAX_PACKET_BYTES = 1_232
/** Limits and mask of version 1: anza-xyz/solana-sdk, message/src/versions/v1/mod.rs and config.rs. */
const version1 = { bytes: 4_096, signers: 12, accounts: 64, instructions: 64, knownBits: 0b11111, feeBits: 0b11 }
const heap = { min: 32 * 1_024, max: 256 * 1_024 }

/**
 * Why every validator refuses a message whatever its accounts hold; `undefined` where none does for that. The
 * rules of `sanitize` in anza-xyz/solana-sdk (message/src/legacy.rs, versions/v0/mod.rs, versions/v1/message.rs),
 * and of the account locks, which take no account twice (AccountLoadedTwice).
 *
 * @param size of the whole transaction, in bytes.
 */
export function sanitizeFault(message: CompiledTransactionMessage, size: number): string | undefined {
  const { header, staticAccounts } = message
  const { numSignerAccounts: signers, numReadonlySignerAccounts, numReadonlyNonSignerAccounts } = header
  if (signers + numReadonlyNonSignerAccounts > staticAccounts.length) {
    return 'its header names more accounts than it has'
  }
  if (numReadonlySignerAccounts >= signers) return 'nobody in it can pay its fee'
  if (new Set(staticAccounts).size !== staticAccounts.length) return 'it names an account twice'
  const most = message.version === 1 ? version1.bytes : MAX_PACKET_BYTES
  if (size > most) return `it has ${size} bytes, more than ${most}`
  if (message.version === 1) return version1Fault(message)
  const lookups = message.version === 0 ? (message.addressTableLookups ?? []) : []
  const loads = lookups.map(({ writableIndexes, readonlyIndexes }) => writableIndexes.length + readonlyIndexes.length)
  if (loads.includes(0)) return 'a lookup table in it loads nothing'
  const accounts = loads.reduce((sum, each) => sum + each, staticAccounts.length)
  if (accounts > MAX_ACCOUNTS) return `it names ${accounts} accounts, more than ${MAX_ACCOUNTS}`
  return instructionFault(
    message.instructions.map(({ programAddressIndex, accountIndices = [] }) => [programAddressIndex, accountIndices]),
    staticAccounts.length,
    accounts,
  )
}

type Version1 = Extract<CompiledTransactionMessage, { version: 1 }>

function version1Fault(message: Version1): string | undefined {
  const { header, staticAccounts, instructionHeaders, instructionPayloads, configMask, configValues } = message
  if (header.numSignerAccounts > version1.signers) return `it has more than ${version1.signers} signers`
  if (staticAccounts.length > version1.accounts) return `it names more than ${version1.accounts} accounts`
  if (instructionHeaders.length > version1.instructions) {
    return `it has more than ${version1.instructions} instructions`
  }
  // Bits above the known ones are set by the sign too.
  if ((configMask & ~version1.knownBits) !== 0) return 'its configuration has bits that are not known'
  const fee = configMask & version1.feeBits
  if (fee !== 0 && fee !== version1.feeBits) return 'its configuration names half a priority fee'
  const bytes = configMask & 0b10000 ? Number(configValues.at(-1)?.value) : heap.min
  if (bytes % 1_024 !== 0 || bytes < heap.min || bytes > heap.max)
    return 'it asks for a heap of a size that is not given'
  return instructionFault(
    instructionHeaders.map(({ programAccountIndex }, index) => [
      programAccountIndex,
      instructionPayloads[index]?.instructionAccountIndices ?? [],
    ]),
    staticAccounts.length,
    staticAccounts.length,
  )
}

/** A program stands among the message's own accounts and never pays. */
function instructionFault(
  instructions: readonly (readonly [program: number, accounts: readonly number[]])[],
  programs: number,
  accounts: number,
): string | undefined {
  if (instructions.some(([program]) => program === 0)) return 'it calls the account that pays its fee'
  if (instructions.some(([program]) => program >= programs)) return 'it calls a program that is not among its accounts'
  const missing = instructions.some(([, indices]) => indices.some((index) => index >= accounts))
  return missing ? 'an instruction in it names an account that it has not' : undefined
}
