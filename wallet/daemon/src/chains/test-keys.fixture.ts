import { generateKeyPairSync, sign } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { base58 } from '@scure/base'
import { checksumAddress } from '@waiaas/core'
import type { TestKey } from './chain-adapter.conformance.ts'

export function newEvmKey(): TestKey {
  const { secretKey, publicKey } = secp256k1.keygen()
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false)
  const address = checksumAddress(bytesToHex(keccak_256(point.subarray(1)).subarray(12)))
  return {
    account: { address, publicKey: `0x${bytesToHex(publicKey)}` },
    sign: (bytes) => {
      const recovered = secp256k1.sign(keccak_256(bytes), secretKey, { prehash: false, format: 'recovered' })
      return Uint8Array.of(...recovered.subarray(1), recovered[0]!)
    },
  }
}

export function newSolanaKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const address = base58.encode(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'))
  return { account: { address, publicKey: address }, sign: (bytes) => sign(null, bytes, privateKey) }
}
