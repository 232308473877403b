import { randomBytes } from 'node:crypto'

let lastMillis = 0
let lastCounter = 0

/**
 * A UUID version 7 (RFC 9562): 48 bits of unix milliseconds, then a counter, then random bits.
 *
 * Ids made by one process sort in the order they were made, also within a millisecond and when the
 * clock steps back.
 */
export function newId(now: number = Date.now()): string {
  if (now > lastMillis) {
    lastMillis = now
    lastCounter = randomBytes(2).readUInt16BE() & 0x3ff
  } else if (++lastCounter > 0xfff) {
    lastMillis += 1
    lastCounter = 0
  }
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(lastMillis, 0, 6)
  bytes.writeUInt16BE(0x7000 | lastCounter, 6)
  randomBytes(8).copy(bytes, 8)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** `bytes` random bytes as base64url: 32 by default, enough for a bearer token. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
