import { randomBytes, randomFillSync } from 'node:crypto'

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
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeUIntBE(lastMillis, 0, 6)
  bytes.writeUInt16BE(0x7000 | lastCounter, 6)
  fillFromPool(bytes, 8)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Random bytes that no id has used; asking the system for eight at a time costs more than all the rest of an id. */
const pool = Buffer.alloc(2048)
let used = pool.length

function fillFromPool(target: Buffer, from: number): void {
  const count = target.length - from
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  pool.copy(target, from, used, used + count)
  used += count
}

/** `bytes` random bytes as base64url: 32 by default, enough for a bearer token. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
