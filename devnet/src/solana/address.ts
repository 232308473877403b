import type { Address } from '@solana/kit'
import { decodeBase58, encodeBase58 } from './base58.ts'

/** 32 bytes as a base58 address. */
export function addressOf(bytes: Uint8Array): Address {
  return encodeBase58(bytes) as Address
}

/** The 32 bytes of a base58 address; throws a TypeError on anything else. */
export function bytesOf(address: string): Uint8Array {
  const bytes = address.length > MAX_ADDRESS_CHARACTERS ? undefined : decodeBase58(address)
  if (bytes?.length !== 32) throw new TypeError('not an address of 32 bytes')
  return bytes
}

const MAX_ADDRESS_CHARACTERS = 44
