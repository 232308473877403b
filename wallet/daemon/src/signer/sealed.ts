import { hashRaw } from '@node-rs/argon2'
import sodium from 'sodium-native'
import { z } from 'zod'
import { type SecureMemory, secureMemory, wipe } from './secure-memory.ts'

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))

/** Bounds keep a doctored file from making the unlock weak, or endless. */
export const KdfParams = z.strictObject({
  salt: hex(16),
  memoryCost: z.number().int().min(8_192).max(1_048_576),
  timeCost: z.number().int().min(1).max(16),
  parallelism: z.number().int().min(1).max(16),
  hashLength: z.literal(32),
})
export type KdfParams = z.infer<typeof KdfParams>

/** A secret at rest: XChaCha20-Poly1305 under a key that Argon2id makes of the master password. */
export const Sealed = z.strictObject({
  cipher: z.literal('xchacha20-poly1305'),
  cipherparams: z.strictObject({ iv: hex(24) }),
  ciphertext: z.string().regex(/^([0-9a-f]{2}){1,64}$/),
  authTag: hex(16),
  kdf: z.literal('argon2id'),
  kdfparams: KdfParams,
})
export type Sealed = z.infer<typeof Sealed>

/** New parameters with a new salt: 64 MiB, 3 passes, 4 lanes. */
export function newKdfParams(): KdfParams {
  const salt = Buffer.alloc(16)
  sodium.randombytes_buf(salt)
  return { salt: salt.toString('hex'), memoryCost: 65_536, timeCost: 3, parallelism: 4, hashLength: 32 }
}

const ARGON2ID = 2

/** One Argon2id run. The password is left as it is; the caller wipes it. */
export async function deriveKey(password: Uint8Array, params: KdfParams): Promise<SecureMemory> {
  const derived = await hashRaw(password, {
    algorithm: ARGON2ID,
    salt: Buffer.from(params.salt, 'hex'),
    memoryCost: params.memoryCost,
    timeCost: params.timeCost,
    parallelism: params.parallelism,
    outputLen: params.hashLength,
  })
  const key = secureMemory(params.hashLength)
  key.use((bytes) => derived.copy(bytes))
  wipe(derived)
  return key
}

/** Seals `secret` under a new nonce. `context` is bound to it: opening with another one fails. */
export function seal(key: SecureMemory, kdfparams: KdfParams, secret: Buffer, context: string): Sealed {
  const nonce = Buffer.alloc(24)
  const ciphertext = Buffer.alloc(secret.length)
  const tag = Buffer.alloc(16)
  sodium.randombytes_buf(nonce)
  key.use((bytes) =>
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
      ciphertext,
      tag,
      secret,
      Buffer.from(context),
      null,
      nonce,
      bytes,
    ),
  )
  return {
    cipher: 'xchacha20-poly1305',
    cipherparams: { iv: nonce.toString('hex') },
    ciphertext: ciphertext.toString('hex'),
    authTag: tag.toString('hex'),
    kdf: 'argon2id',
    kdfparams,
  }
}

/** Opens into `target`, which is exactly as long as the secret. False: wrong key, or not what was sealed. */
export function unseal(key: SecureMemory, sealed: Sealed, context: string, target: Buffer): boolean {
  const ciphertext = Buffer.from(sealed.ciphertext, 'hex')
  if (ciphertext.length !== target.length) return false
  const tag = Buffer.from(sealed.authTag, 'hex')
  const nonce = Buffer.from(sealed.cipherparams.iv, 'hex')
  return key.use((bytes) => {
    try {
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
        target,
        null,
        ciphertext,
        tag,
        Buffer.from(context),
        nonce,
        bytes,
      )
      return true
    } catch {
      return false
    }
  })
}
