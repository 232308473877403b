import type { ChainFamily } from '@waiaas/core'
import type { Checkpoint, SignedCheckpoint } from '@waiaas/core/checkpoint'

export type CreatedKey = { keyId: string; address: string; publicKey: string }

/** A key as its secret says, not as its file says. */
export type DerivedKey = CreatedKey & { chain: ChainFamily }

/** Who signs checkpoints of the audit log, as the daemon sees it. */
export type CheckpointSigner = {
  /** @throws AppError AUDIT_ROLLED_BACK when an entry after this one was signed before. */
  signCheckpoint: (checkpoint: Checkpoint) => Promise<SignedCheckpoint>
  /** Tells the signer of the newest entry. It keeps that in memory, and on disk when the daemon ends in whatever way. */
  noteHead: (head: { seq: number; hash: string }) => Promise<void>
  /** The last entry that was signed, and the newest that the signer was told of. */
  lastCheckpoint: () => Promise<
    { publicKey: string; seq: number; hash: string; head?: { seq: number; hash: string } | undefined } | undefined
  >
}

/**
 * The process that holds the keys, as the daemon sees it: a few questions over a private pipe.
 * No answer ever contains a private key. Every method rejects with AppError `KEYSTORE_LOCKED` when the
 * signer is gone or halted.
 */
export type Signer = {
  /** Makes a key, seals it on disk, then answers. EVM: secp256k1. Solana: ed25519. */
  createKey: (chain: ChainFamily) => Promise<CreatedKey>
  /**
   * Signs as the key's chain demands. EVM: keccak-256 of `bytes`, then secp256k1, low s: 65 bytes r, s, yParity.
   * Solana: ed25519 over `bytes`: 64 bytes.
   */
  sign: (keyId: string, bytes: Uint8Array) => Promise<Uint8Array>
  /** True when this is the master password. One Argon2id run. */
  checkPassword: (password: string) => Promise<boolean>
  /** A named random secret of 32 bytes (for session tokens), sealed in the keystore, made at first use. */
  secret: (name: string) => Promise<Uint8Array>
  /** From the moment this resolves nothing is signed, also after a restart, until `resume`. */
  halt: () => Promise<void>
  resume: () => Promise<void>
  /** True while halted. */
  halted: () => Promise<boolean>
}
