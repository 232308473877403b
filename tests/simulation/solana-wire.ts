/**
 * The wire form of a legacy or version 0 transaction, read as a validator reads it. Written apart from the wallet's
 * own reader on purpose: what the wallet builds is judged by code that shares nothing with it.
 */

import { createPublicKey, verify } from 'node:crypto'
import { base58 } from '@scure/base'

export type WireTransaction = {
  /** The first signature, by which the cluster knows the transaction. */
  signature: string
  signatures: readonly Uint8Array[]
  /** The bytes that are signed. */
  message: Uint8Array
  version: 'legacy' | 0
  signers: number
  readonlySigners: number
  readonlyOthers: number
  accounts: readonly string[]
  blockhash: string
  instructions: readonly WireInstruction[]
  usesLookupTables: boolean
  /** A node takes bytes behind the transaction, leaders drop such a packet (agave, transaction-view `try_new`). */
  hasTrailingBytes: boolean
}

export type WireInstruction = { programIndex: number; accountIndices: readonly number[]; data: Uint8Array }

/** Size of a packet, and so of the largest transaction (solana-packet `PACKET_DATA_SIZE`). */
export const MAX_TRANSACTION_BYTES = 1_232

const VERSION_FLAG = 0x80
const SIGNATURE_BYTES = 64
const KEY_BYTES = 32

/** Reads a transaction, or returns what is wrong with its bytes. */
export function readTransaction(bytes: Uint8Array): WireTransaction | { problem: string } {
  try {
    const reader = createReader(bytes)
    const signatures = reader.list(() => reader.take(SIGNATURE_BYTES))
    const start = reader.position()
    const read = readMessage(reader)
    const message = bytes.subarray(start, reader.position())
    const first = signatures[0]
    if (first === undefined || !isSane(read, signatures.length)) {
      return { problem: 'invalid transaction: Transaction failed to sanitize accounts offsets correctly' }
    }
    const signature = base58.encode(first)
    return { ...read, signature, signatures, message, hasTrailingBytes: reader.position() < bytes.length }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { problem: `failed to deserialize solana_transaction::versioned::VersionedTransaction: ${error.message}` }
  }
}

/** Reads a message as `getFeeForMessage` takes it; `undefined` for bytes that are none. */
export function readBareMessage(bytes: Uint8Array): Message | undefined {
  try {
    return readMessage(createReader(bytes))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
}

export type Message = Omit<WireTransaction, 'signature' | 'signatures' | 'message' | 'hasTrailingBytes'>

export function isWritable({ signers, readonlySigners, readonlyOthers, accounts }: Message, index: number): boolean {
  return index < signers ? index < signers - readonlySigners : index < accounts.length - readonlyOthers
}

/** Whether every signature belongs to its account. */
export function hasValidSignatures({ signatures, accounts, message }: WireTransaction): boolean {
  return signatures.every((signature, index) => {
    const raw = Buffer.concat([ED25519_PREFIX, base58.decode(accounts[index]!)])
    return verify(null, message, createPublicKey({ key: raw, format: 'der', type: 'spki' }), signature)
  })
}

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function readMessage(reader: Reader): Message {
  const first = reader.byte()
  const isVersioned = (first & VERSION_FLAG) !== 0
  if (isVersioned && first !== VERSION_FLAG) throw new RangeError(`invalid value: integer \`${first & 0x7f}\``)
  const signers = isVersioned ? reader.byte() : first
  const readonlySigners = reader.byte()
  const readonlyOthers = reader.byte()
  const accounts = reader.list(() => base58.encode(reader.take(KEY_BYTES)))
  const blockhash = base58.encode(reader.take(KEY_BYTES))
  const instructions = reader.list(() => ({
    programIndex: reader.byte(),
    accountIndices: [...reader.take(reader.length())],
    data: reader.take(reader.length()),
  }))
  const tables = isVersioned
    ? reader.list(() => {
        reader.take(KEY_BYTES)
        reader.take(reader.length())
        return reader.take(reader.length())
      })
    : []
  const usesLookupTables = tables.length > 0
  const version = isVersioned ? (0 as const) : ('legacy' as const)
  return { version, signers, readonlySigners, readonlyOthers, accounts, blockhash, instructions, usesLookupTables }
}

/** The rules of solana-message `sanitize`. */
function isSane(message: Message, signatures: number): boolean {
  const { signers, readonlySigners, readonlyOthers, accounts, instructions, usesLookupTables } = message
  const indexEnd = usesLookupTables ? 256 : accounts.length
  return (
    signers === signatures &&
    readonlySigners < signers &&
    signers + readonlyOthers <= accounts.length &&
    instructions.every(
      ({ programIndex, accountIndices }) =>
        programIndex > 0 && programIndex < accounts.length && accountIndices.every((index) => index < indexEnd),
    )
  )
}

type Reader = {
  position: () => number
  byte: () => number
  take: (count: number) => Uint8Array
  length: () => number
  list: <Item>(read: () => Item) => Item[]
}

/** Throws a RangeError where bytes are missing or malformed. */
function createReader(bytes: Uint8Array): Reader {
  let position = 0
  const take = (count: number): Uint8Array => {
    if (position + count > bytes.length) throw new RangeError('io error: unexpected end of file')
    position += count
    return bytes.subarray(position - count, position)
  }
  /** A compact-u16: seven bits a byte, the least first, no zero byte at the end of a longer one. */
  const length = (): number => {
    let value = 0
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = take(1)[0]!
      value |= (byte & 0x7f) << shift
      if ((byte & 0x80) !== 0) continue
      if ((byte === 0 && shift > 0) || value > 0xffff) break
      return value
    }
    throw new RangeError('invalid value: a length that is not in its shortest form')
  }
  return {
    position: () => position,
    byte: () => take(1)[0]!,
    take,
    length,
    list: (read) => Array.from({ length: length() }, read),
  }
}
