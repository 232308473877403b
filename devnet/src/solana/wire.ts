import { encodeBase58 } from './base58.ts'

/**
 * The wire form of a transaction. LiteSVM ends the whole process on bytes it cannot parse, so this reader is as strict
 * as the one inside it: lengths in their shortest form, nothing missing, nothing left over.
 */
export type WireTransaction = {
  readonly signature: string
  readonly signatureCount: number
  readonly bytes: Uint8Array
  readonly message: Message
}

export type Message = {
  readonly version: 'legacy' | 0
  readonly header: {
    readonly signers: number
    readonly readonlySigners: number
    readonly readonlyOthers: number
  }
  readonly staticAccounts: readonly string[]
  readonly blockhash: string
  readonly instructions: readonly CompiledInstruction[]
  readonly lookups: readonly TableLookup[]
}

export type CompiledInstruction = {
  readonly programIndex: number
  readonly accountIndices: readonly number[]
  readonly data: Uint8Array
}

export type TableLookup = {
  readonly table: string
  readonly writableIndices: readonly number[]
  readonly readonlyIndices: readonly number[]
}

/** The largest transaction a Solana node takes. */
const MAX_BYTES = 1232
const VERSION_FLAG = 0x80

/** Decodes a signed (or, for a simulation, unsigned) transaction; throws a TypeError when it is malformed. */
export function decodeTransaction(bytes: Uint8Array): WireTransaction {
  if (bytes.length > MAX_BYTES) throw new TypeError(`transaction too large: ${bytes.length} bytes (max: ${MAX_BYTES})`)
  const reader = new Reader(bytes)
  const signatureCount = reader.length()
  const signatures = reader.take(64 * signatureCount)
  const message = readMessage(reader)
  if (signatureCount === 0 || message.header.signers !== signatureCount) {
    throw new TypeError('the numbers of signatures and of signers differ')
  }
  return { signature: encodeBase58(signatures.subarray(0, 64)), signatureCount, bytes, message }
}

/** Decodes a message as `getFeeForMessage` takes it; throws a TypeError when it is malformed. */
export function decodeMessage(bytes: Uint8Array): Message {
  return readMessage(new Reader(bytes))
}

/** Whether the transaction may write to its static account at `index`. */
export function isWritable({ header, staticAccounts }: Message, index: number): boolean {
  return index < header.signers
    ? index < header.signers - header.readonlySigners
    : index < staticAccounts.length - header.readonlyOthers
}

function readMessage(reader: Reader): Message {
  const first = reader.byte()
  const isVersioned = (first & VERSION_FLAG) !== 0
  if (isVersioned && first !== VERSION_FLAG) throw new TypeError('unsupported transaction version')
  const message: Message = {
    version: isVersioned ? 0 : 'legacy',
    header: {
      signers: isVersioned ? reader.byte() : first,
      readonlySigners: reader.byte(),
      readonlyOthers: reader.byte(),
    },
    staticAccounts: reader.list(() => encodeBase58(reader.take(32))),
    blockhash: encodeBase58(reader.take(32)),
    instructions: reader.list(() => ({
      programIndex: reader.byte(),
      accountIndices: [...reader.take(reader.length())],
      data: reader.take(reader.length()),
    })),
    lookups: isVersioned
      ? reader.list(() => ({
          table: encodeBase58(reader.take(32)),
          writableIndices: [...reader.take(reader.length())],
          readonlyIndices: [...reader.take(reader.length())],
        }))
      : [],
  }
  reader.end()
  return message
}

class Reader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.take(1)[0]!
  }

  take(count: number): Uint8Array {
    const end = this.#position + count
    if (end > this.#bytes.length) throw new TypeError('failed to deserialize: bytes are missing')
    const taken = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }

  /** A compact-u16: seven bits a byte, the least first, the last byte not zero unless it is the only one. */
  length(): number {
    let value = 0
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte & 0x80) continue
      if ((byte === 0 && shift > 0) || value > 0xffff) break
      return value
    }
    throw new TypeError('failed to deserialize: a length is malformed')
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.length() }, read)
  }

  end(): void {
    if (this.#position !== this.#bytes.length) throw new TypeError('failed to deserialize: bytes are left over')
  }
}
