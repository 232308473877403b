import {
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  getBase58Decoder,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  getTransactionDecoder,
} from '@solana/kit'

/** A transaction that came over the wire and is well-formed. */
export type WireTransaction = {
  readonly signature: string
  readonly signatureCount: number
  readonly bytes: Uint8Array
  readonly message: Message
}

/** A message of the two versions that LiteSVM runs. */
export type Message = Extract<CompiledTransactionMessage, { version: 'legacy' | 0 }> &
  CompiledTransactionMessageWithLifetime

/** The largest transaction a Solana node takes. */
const MAX_BYTES = 1232

const messageDecoder = getCompiledTransactionMessageDecoder()
const messageEncoder = getCompiledTransactionMessageEncoder()
const transactionDecoder = getTransactionDecoder()
const base58 = getBase58Decoder()

/**
 * Decodes a signed (or, for a simulation, unsigned) transaction; throws a TypeError when it is malformed.
 *
 * LiteSVM ends the whole process on bytes it cannot parse, so only what encodes back to the very same bytes passes.
 */
export function decodeTransaction(bytes: Uint8Array): WireTransaction {
  if (bytes.length > MAX_BYTES) throw new TypeError(`transaction too large: ${bytes.length} bytes (max: ${MAX_BYTES})`)
  const signatureCount = bytes[0] ?? 0
  const start = 1 + 64 * signatureCount
  if (signatureCount < 1 || signatureCount > 19 || bytes.length <= start) throw new TypeError('no signatures')
  const { messageBytes } = attempt(() => transactionDecoder.decode(bytes))
  if (messageBytes.length !== bytes.length - start) throw new TypeError('bytes are missing or left over')
  const message = decodeMessage(messageBytes as unknown as Uint8Array)
  if (message.header.numSignerAccounts !== signatureCount)
    throw new TypeError('the numbers of signatures and of signers differ')
  return { signature: base58.decode(bytes.subarray(1, 65)), signatureCount, bytes, message }
}

/** Decodes a message as `getFeeForMessage` takes it; throws a TypeError when it is malformed. */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = attempt(() => messageDecoder.decode(bytes))
  if (message.version !== 'legacy' && message.version !== 0) throw new TypeError('unsupported transaction version')
  const again = attempt(() => messageEncoder.encode(message))
  if (Buffer.compare(Buffer.from(again), bytes) !== 0) throw new TypeError('message is not in its canonical form')
  return message as Message
}

function attempt<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw new TypeError(`failed to deserialize: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Whether the transaction may write to its static account at `index`. */
export function isWritable({ header, staticAccounts }: Message, index: number): boolean {
  const { numSignerAccounts, numReadonlySignerAccounts, numReadonlyNonSignerAccounts } = header
  return index < numSignerAccounts
    ? index < numSignerAccounts - numReadonlySignerAccounts
    : index < staticAccounts.length - numReadonlyNonSignerAccounts
}
