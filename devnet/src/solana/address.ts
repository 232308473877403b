import { type Address, getAddressDecoder, getAddressEncoder } from '@solana/kit'

const decoder = getAddressDecoder()
const encoder = getAddressEncoder()

/** 32 bytes as a base58 address. */
export function addressOf(bytes: Uint8Array): Address {
  return decoder.decode(bytes)
}

/** The 32 bytes of a base58 address; throws on anything else. */
export function bytesOf(address: string): Uint8Array {
  return new Uint8Array(encoder.encode(address as Address))
}
