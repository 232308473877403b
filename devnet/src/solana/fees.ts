import type { Message } from './wire.ts'

const LAMPORTS_PER_SIGNATURE = 5000n
const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111'
const MAX_COMPUTE_UNITS = 1_400_000n
const DEFAULT_UNITS = 200_000n
const DEFAULT_BUILTIN_UNITS = 3_000n
const BUILTIN_PROGRAMS: ReadonlySet<string> = new Set([
  COMPUTE_BUDGET_PROGRAM,
  '11111111111111111111111111111111',
  'Vote111111111111111111111111111111111111111',
  'BPFLoaderUpgradeab1e11111111111111111111111',
  'BPFLoader1111111111111111111111111111111111',
  'BPFLoader2111111111111111111111111111111111',
  'LoaderV411111111111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'Ed25519SigVerify111111111111111111111111111',
])

/** What a transaction pays in lamports: the signatures, and the price of the compute units it asks for. */
export function feeOf(message: Message): bigint {
  return LAMPORTS_PER_SIGNATURE * BigInt(message.header.signers) + priorityFeeOf(message)
}

function priorityFeeOf(message: Message): bigint {
  let units: bigint | undefined
  let price = 0n
  let defaultUnits = 0n
  for (const { programIndex, data } of message.instructions) {
    const program = message.staticAccounts[programIndex] ?? ''
    defaultUnits += BUILTIN_PROGRAMS.has(program) ? DEFAULT_BUILTIN_UNITS : DEFAULT_UNITS
    if (program !== COMPUTE_BUDGET_PROGRAM) continue
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
    if (bytes[0] === 2 && bytes.length >= 5) units = BigInt(bytes.readUInt32LE(1))
    if (bytes[0] === 3 && bytes.length >= 9) price = bytes.readBigUInt64LE(1)
  }
  const asked = units ?? defaultUnits
  const capped = asked > MAX_COMPUTE_UNITS ? MAX_COMPUTE_UNITS : asked
  return (price * capped + 999_999n) / 1_000_000n
}
