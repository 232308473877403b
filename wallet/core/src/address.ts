import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { base58 } from '@scure/base'
import type { ChainFamily } from './network.ts'

export type AddressFault = 'not an EVM address' | 'not a Solana address' | 'checksum does not match'

/**
 * The canonical form of an address, or what is wrong with it.
 *
 * EVM: 20 bytes hex; mixed case must be a valid EIP-55 checksum; answers EIP-55 form.
 * Solana: base58 of exactly 32 bytes; compared and kept exactly, case included.
 */
export function parseAddress(
  family: ChainFamily,
  text: string,
): { ok: true; address: string } | { ok: false; fault: AddressFault } {
  return parsers[family](text)
}

const parsers: Readonly<Record<ChainFamily, (text: string) => ReturnType<typeof parseAddress>>> = {
  evm: parseEvm,
  solana: parseSolana,
}

/** EIP-55 form of 40 hex digits (with or without 0x). */
export function checksumAddress(address: string): string {
  const hex = address.toLowerCase().replace(/^0x/, '')
  const hash = bytesToHex(keccak_256(utf8ToBytes(hex)))
  const mixed = [...hex].map((digit, index) => (Number.parseInt(hash[index]!, 16) >= 8 ? digit.toUpperCase() : digit))
  return `0x${mixed.join('')}`
}

function parseEvm(text: string): ReturnType<typeof parseAddress> {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return { ok: false, fault: 'not an EVM address' }
  const address = checksumAddress(text)
  const digits = text.slice(2)
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  return mixed && text !== address ? { ok: false, fault: 'checksum does not match' } : { ok: true, address }
}

function parseSolana(text: string): ReturnType<typeof parseAddress> {
  try {
    if (text.length <= 44 && base58.decode(text).length === 32) return { ok: true, address: text }
  } catch {
    return { ok: false, fault: 'not a Solana address' }
  }
  return { ok: false, fault: 'not a Solana address' }
}

/** The bytes that a base58 text stands for, or `undefined` when it is none. */
export function base58Bytes(text: string): Uint8Array | undefined {
  try {
    return base58.decode(text)
  } catch {
    return undefined
  }
}

/** True where two different addresses show the same first and last four characters (address poisoning). */
export function looksAlike(a: string, b: string): boolean {
  const strip = (address: string) => address.replace(/^0x/i, '')
  const [x, y] = a.startsWith('0x') ? [strip(a).toLowerCase(), strip(b).toLowerCase()] : [a, b]
  return x !== y && x.slice(0, 4) === y.slice(0, 4) && x.slice(-4) === y.slice(-4)
}
