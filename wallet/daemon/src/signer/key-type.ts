import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { base58 } from '@scure/base'
import type { ChainFamily } from '@waiaas/core'
import { checksumAddress } from '@waiaas/core/address'
import sodium from 'sodium-native'
import { loadSecp256k1 } from './secp256k1.ts'

/** What differs between the keys of two chain families. `secret` is always a view on secure memory. */
export type KeyType = {
  secretBytes: number
  /** Fills `secret` with a new key and answers its public key. */
  generate: (secret: Buffer) => Uint8Array
  /** The public key that belongs to `secret`, computed anew. `undefined`: the secret is not one of this type. */
  derive: (secret: Buffer) => Uint8Array | undefined
  publicKeyText: (publicKey: Uint8Array) => string
  address: (publicKey: Uint8Array) => string
  sign: (secret: Buffer, bytes: Uint8Array) => Uint8Array
}

export const keyTypes: Readonly<Record<ChainFamily, KeyType>> = { evm: secp256k1Key(), solana: ed25519Key() }

/** RFC 8032. The secret is seed and public key, 64 bytes; it never leaves secure memory. */
function ed25519Key(): KeyType {
  const text = (publicKey: Uint8Array) => base58.encode(publicKey)
  return {
    secretBytes: 64,
    generate: (secret) => {
      const publicKey = Buffer.alloc(32)
      sodium.crypto_sign_keypair(publicKey, secret)
      return publicKey
    },
    derive: (secret) => {
      const publicKey = Buffer.alloc(32)
      const again = sodium.sodium_malloc(64)
      try {
        sodium.crypto_sign_seed_keypair(publicKey, again, secret.subarray(0, 32))
        return sodium.sodium_memcmp(again, secret) ? publicKey : undefined
      } finally {
        sodium.sodium_free(again)
      }
    },
    publicKeyText: text,
    address: text,
    sign: (secret, bytes) => {
      const signature = Buffer.alloc(64)
      sodium.crypto_sign_detached(signature, bytes, secret)
      return signature
    },
  }
}

/** ECDSA over keccak-256. Outside of secure memory the secret is only where `loadSecp256k1` puts it, for one call. */
function secp256k1Key(): KeyType {
  const curve = loadSecp256k1()
  return {
    secretBytes: 32,
    generate: (secret) => {
      for (;;) {
        sodium.randombytes_buf(secret)
        const publicKey = curve.publicKey(secret)
        if (publicKey !== undefined) return publicKey
      }
    },
    derive: curve.publicKey,
    publicKeyText: (publicKey) => `0x${bytesToHex(publicKey)}`,
    address: (publicKey) => {
      const point = secp256k1.Point.fromBytes(publicKey).toBytes(false)
      return checksumAddress(bytesToHex(keccak_256(point.subarray(1)).subarray(12)))
    },
    sign: (secret, bytes) => curve.sign(secret, keccak_256(bytes)),
  }
}
