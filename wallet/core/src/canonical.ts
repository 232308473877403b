import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined }

/**
 * JSON with sorted keys and no white space (RFC 8785 for the values used here: strings, safe integers,
 * booleans, null, arrays, objects). Undefined members are left out, as `JSON.stringify` does.
 *
 * @throws TypeError for a number that is not a safe integer.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`)
    return `{${members.join(',')}}`
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new TypeError(`not a safe integer: ${value}`)
  return JSON.stringify(value)
}

/** SHA-256 of the canonical JSON, as 64 hex digits. */
export function canonicalHash(value: Json): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))))
}
