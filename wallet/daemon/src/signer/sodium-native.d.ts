/** The part of sodium-native that the signer uses; the package ships no types. */
declare module 'sodium-native' {
  type Bytes = Uint8Array
  type Sodium = {
    sodium_malloc: (size: number) => Buffer
    sodium_free: (buffer: Buffer) => void
    sodium_memzero: (buffer: Bytes) => void
    sodium_mprotect_noaccess: (buffer: Buffer) => void
    sodium_mprotect_readwrite: (buffer: Buffer) => void
    sodium_memcmp: (a: Bytes, b: Bytes) => boolean
    randombytes_buf: (buffer: Bytes) => void
    crypto_sign_seed_keypair: (publicKey: Bytes, secretKey: Bytes, seed: Bytes) => void
    crypto_sign_keypair: (publicKey: Bytes, secretKey: Bytes) => void
    crypto_sign_detached: (signature: Bytes, message: Bytes, secretKey: Bytes) => void
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached: (
      ciphertext: Bytes,
      tag: Bytes,
      message: Bytes,
      additional: Bytes,
      secretNonce: null,
      nonce: Bytes,
      key: Bytes,
    ) => number
    /** Throws when the tag does not match. */
    crypto_aead_xchacha20poly1305_ietf_decrypt_detached: (
      message: Bytes,
      secretNonce: null,
      ciphertext: Bytes,
      tag: Bytes,
      additional: Bytes,
      nonce: Bytes,
      key: Bytes,
    ) => void
  }
  const sodium: Sodium
  export = sodium
}
