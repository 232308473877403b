/** A transaction as it travels, taken apart. Version 1 has its signatures behind the message, all others before. */
export type Envelope = { message: Uint8Array; signatures: readonly Uint8Array[] }

const SIGNATURE_BYTES = 64
const VERSION_1 = 0x81

/** `undefined` where the bytes are no envelope of a transaction. */
export function openEnvelope(bytes: Uint8Array): Envelope | undefined {
  const isVersion1 = bytes[0] === VERSION_1
  const count = isVersion1 ? bytes[1] : bytes[0]
  // Every signature is 64 bytes, so no transaction has as many as a second length byte would tell.
  if (count === undefined || count === 0 || count >= 128) return undefined
  const size = count * SIGNATURE_BYTES
  const start = isVersion1 ? bytes.length - size : 1
  if (start < 1 || start + size > bytes.length) return undefined
  const signatures = Array.from({ length: count }, (_, index) =>
    bytes.subarray(start + index * SIGNATURE_BYTES, start + (index + 1) * SIGNATURE_BYTES),
  )
  return { message: isVersion1 ? bytes.subarray(0, start) : bytes.subarray(start + size), signatures }
}

export function sealEnvelope({ message, signatures }: Envelope): Uint8Array {
  if (message[0] === VERSION_1) return Buffer.concat([message, ...signatures])
  return Buffer.concat([Buffer.of(signatures.length), ...signatures, message])
}
