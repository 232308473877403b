import { bytesToHex } from '@noble/hashes/utils.js'
import type { ChainAdapter } from '../chain-adapter.ts'
import type { Reader } from '../rpc-pool.ts'
import { Data } from './quantity.ts'

/** `isValidSignature(bytes32,bytes)`, and what it answers for a valid one. */
const MAGIC = '1626ba7e'

/** Asks a contract account by ERC-1271. A contract that reverts, or an address without one, did not sign. */
export async function contractSigned(
  rpc: Reader,
  address: string,
  hash: Uint8Array,
  signature: Uint8Array,
): ReturnType<NonNullable<ChainAdapter['contractSigned']>> {
  const padding = '00'.repeat((32 - (signature.length % 32)) % 32)
  const data = `0x${MAGIC}${bytesToHex(hash)}${word(64)}${word(signature.length)}${bytesToHex(signature)}${padding}`
  const answer = await rpc.read('eth_call', [{ to: address, data }, 'latest'], Data)
  if (answer.ok) return { ok: true, signed: answer.value.toLowerCase() === `0x${MAGIC}${'00'.repeat(28)}` }
  if (answer.failure.kind === 'error') return { ok: true, signed: false }
  return { ok: false, message: answer.failure.message }
}

function word(value: number): string {
  return value.toString(16).padStart(64, '0')
}
