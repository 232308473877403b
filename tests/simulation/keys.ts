import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { base58 } from '@scure/base'
import { pointFromScalar, signRecoverable } from 'tiny-secp256k1'
import { bytesToHex, hexToBytes, keccak256 } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { type Hex, type KnownSignatures, signatureKey } from './evm-transaction.ts'

/** A real key of the simulated wallet. Its signatures depend on the bytes alone. */
export type SimulatedKey = {
  address: string
  publicKey: string
  sign: (bytes: Uint8Array) => Uint8Array
}

const SECRET: Hex = `0x${'42'.repeat(32)}`
/** What stands before the 32 secret bytes of an Ed25519 key in DER (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Notes its signatures, so that the simulated network need not recover who made them. */
export function createEvmKey(signatures: KnownSignatures): SimulatedKey {
  const secret = hexToBytes(SECRET)
  const address = privateKeyToAddress(SECRET)
  return {
    address,
    publicKey: bytesToHex(pointFromScalar(secret, true)!),
    sign: (bytes) => {
      const digest = keccak256(bytes)
      const { signature, recoveryId } = signRecoverable(hexToBytes(digest), secret)
      const [r, s] = [toBigInt(signature.subarray(0, 32)), toBigInt(signature.subarray(32))]
      signatures.set(signatureKey(digest, { r, s, parity: BigInt(recoveryId) }), address.toLowerCase() as Hex)
      return Uint8Array.of(...signature, recoveryId)
    },
  }
}

export function createSolanaKey(): SimulatedKey {
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, 7)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const address = base58.encode(spki.subarray(-32))
  return { address, publicKey: address, sign: (bytes) => sign(null, bytes, key) }
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(bytesToHex(bytes))
}
