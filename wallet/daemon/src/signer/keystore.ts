import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@openpista/common/app-error'
import { systemClock } from '@openpista/common/clock'
import { assertPrivate, ensurePrivateDir, writeFileAtomic } from '@openpista/common/files'
import { newId } from '@openpista/common/id'
import type { ChainFamily } from '@waiaas/core'
import { type Checkpoint, checkpointText, type SignedCheckpoint } from '@waiaas/core/checkpoint'
import sodium from 'sodium-native'
import {
  AUDIT,
  type AuditFile,
  contexts,
  damaged,
  HALTED,
  HEADER,
  HeaderFile,
  headerChecksum,
  KeyFile,
  readAuditFile,
  readSealedFile,
  SECRETS,
  SecretFile,
  writeSealedFile,
} from './key-file.ts'
import { keyTypes } from './key-type.ts'
import { deriveKey, type KdfParams, seal, unseal } from './sealed.ts'
import { type SecureMemory, secureMemory, wipe } from './secure-memory.ts'
import type { CreatedKey, DerivedKey } from './signer.ts'

/**
 * An unlocked keystore. The key that seals the files stays in secure memory; a private key is there only
 * while it signs. All methods but `checkPassword` are synchronous, so that nothing comes between the look
 * at the halt flag and the signature.
 */
export type Keystore = {
  /** @throws AppError KEYSTORE_LOCKED while halted. */
  createKey: (chain: ChainFamily) => CreatedKey
  /** @throws AppError KEYSTORE_LOCKED while halted, KEY_NOT_FOUND, KEYSTORE_DAMAGED. */
  sign: (keyId: string, bytes: Uint8Array) => Uint8Array
  /** One Argon2id run. Wipes the password. */
  checkPassword: (password: Buffer) => Promise<boolean>
  /** Signs a checkpoint of the audit log. @throws AppError AUDIT_ROLLED_BACK for an entry before one already signed. */
  signCheckpoint: (checkpoint: Checkpoint) => SignedCheckpoint
  /** Keeps in memory which entry of the audit log is the newest, and stores that now and then. */
  noteHead: (head: { seq: number; hash: string }) => void
  /** Stores the newest entry that was told of. Call it when the daemon has ended. */
  keepHead: () => void
  /** The last checkpoint that was signed; `undefined` before the first. */
  lastCheckpoint: () => AuditFile | undefined
  /** Opens every key and computes its address anew. @throws AppError KEYSTORE_DAMAGED where that fails. */
  deriveAll: () => DerivedKey[]
  /** 32 bytes that are the same for the same name. Made and stored at first use. */
  secret: (name: string) => Uint8Array
  /** Stored before it returns. The flag is a file, so it outlives the process and an operator can set it. */
  halt: () => void
  resume: () => void
  halted: () => boolean
  close: () => void
}

const CHECK_BYTES = 32
const SECRET_BYTES = 32
const SECRET_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Secrets with this prefix never leave the signer. */
const OWN_SECRETS = 'signer.'
const CHECKPOINT_SECRET = 'signer.audit'
const MIN_PASSWORD_BYTES = 8

/**
 * Makes an empty keystore in `folder`. Wipes the password.
 *
 * @param kdfparams what every later unlock costs; written into the keystore. `newKdfParams()` but in tests.
 * @throws AppError KEYSTORE_EXISTS, PASSWORD_TOO_SHORT
 */
export async function initKeystore(folder: string, password: Buffer, kdfparams: KdfParams): Promise<void> {
  try {
    ensurePrivateDir(folder)
    if (readdirSync(folder).length > 0) {
      throw new AppError('KEYSTORE_EXISTS', `${folder} is not empty.`, {
        hint: 'Use the keystore that is there, or move it away first.',
      })
    }
    assertLongEnough(password)
    mkdirSync(join(folder, SECRETS), { mode: 0o700 })
    const key = await deriveKey(password, kdfparams)
    const check = Buffer.alloc(CHECK_BYTES)
    sodium.randombytes_buf(check)
    const crypto = seal(key, kdfparams, check, contexts.header)
    key.free()
    writeSealedFile(join(folder, HEADER), { version: 1, crypto, checksum: headerChecksum(crypto) })
  } finally {
    wipe(password)
  }
}

/**
 * Unlocks a keystore with one Argon2id run. Wipes the password.
 *
 * @throws AppError KEYSTORE_NOT_FOUND, INVALID_MASTER_PASSWORD, KEYSTORE_DAMAGED, PERMISSIONS_TOO_OPEN
 */
export async function openKeystore(folder: string, password: Buffer): Promise<Keystore> {
  try {
    const { header, key } = await unlockHeader(folder, password)
    return unlocked(folder, header, key)
  } finally {
    wipe(password)
  }
}

/** The key that seals the files. Leaves the password as it is. @throws AppError as `openKeystore`. */
export async function unlockHeader(
  folder: string,
  password: Buffer,
): Promise<{ header: HeaderFile; key: SecureMemory }> {
  const header = readHeader(folder)
  const key = await deriveKey(password, header.crypto.kdfparams)
  if (unseal(key, header.crypto, contexts.header, Buffer.alloc(CHECK_BYTES))) return { header, key }
  key.free()
  throw new AppError('INVALID_MASTER_PASSWORD', 'This is not the master password.')
}

/** @throws AppError PASSWORD_TOO_SHORT */
export function assertLongEnough(password: Buffer): void {
  if (password.length >= MIN_PASSWORD_BYTES) return
  throw new AppError('PASSWORD_TOO_SHORT', `The master password needs at least ${MIN_PASSWORD_BYTES} characters.`)
}

function readHeader(folder: string): HeaderFile {
  const path = join(folder, HEADER)
  if (!existsSync(folder)) throw notFound(folder)
  assertPrivate(folder, 0o700)
  const header = readSealedFile(HeaderFile, path)
  if (header === undefined) throw notFound(folder)
  if (header.checksum !== headerChecksum(header.crypto)) throw damaged(path)
  return header
}

/** What the methods of an unlocked keystore share. */
type Vault = {
  folder: string
  kdfparams: KdfParams
  /** Seals and opens the files. */
  key: SecureMemory
  /** Where a private key is while it is used. */
  memory: SecureMemory
  /** Key files that were read: sealed, so they need no protection. */
  files: Map<string, KeyFile>
  /** The newest entry of the audit log that the daemon has told of, and when it was last stored. */
  head: { told: AuditFile['head']; stored: number; storedAt: number }
}

function unlocked(folder: string, header: HeaderFile, key: SecureMemory): Keystore {
  const memory = secureMemory(64)
  const vault: Vault = {
    folder,
    kdfparams: header.crypto.kdfparams,
    key,
    memory,
    files: new Map(),
    head: { told: undefined, stored: 0, storedAt: 0 },
  }
  const haltFile = join(folder, HALTED)
  const halted = () => statSync(haltFile, { throwIfNoEntry: false }) !== undefined
  const refuseWhileHalted = () => {
    if (halted()) throw new AppError('KEYSTORE_LOCKED', 'The kill switch is on: nothing is signed.')
  }
  return {
    createKey: (chain) => {
      refuseWhileHalted()
      return createKey(vault, chain)
    },
    sign: (keyId, bytes) => {
      refuseWhileHalted()
      return sign(vault, keyId, bytes)
    },
    signCheckpoint: (checkpoint) => signCheckpoint(vault, checkpoint),
    noteHead: ({ seq, hash }) => {
      if (seq > (vault.head.told?.seq ?? 0)) vault.head.told = { seq, hash }
      if (performance.now() - vault.head.storedAt >= KEEP_HEAD_MILLIS) keepHead(vault)
    },
    keepHead: () => keepHead(vault),
    lastCheckpoint: () => readAuditFile(folder),
    deriveAll: () => keyIds(folder).map((keyId) => derive(vault, keyId)),
    secret: (name) => {
      if (name.startsWith(OWN_SECRETS)) throw new AppError('SECRET_NAME_INVALID', 'This secret is the signer’s own.')
      return namedSecret(vault, name)
    },
    checkPassword: (password) => isPassword(vault, password),
    halted,
    halt: () => writeFileAtomic(haltFile, ''),
    resume: () => rmSync(haltFile, { force: true }),
    close: () => {
      key.free()
      memory.free()
    },
  }
}

function createKey({ folder, kdfparams, key, memory, files }: Vault, chain: ChainFamily): CreatedKey {
  const type = keyTypes[chain]
  const id = newId()
  const made = memory.scratch((bytes) => {
    const secret = bytes.subarray(0, type.secretBytes)
    const raw = type.generate(secret)
    const publicKey = type.publicKeyText(raw)
    const crypto = seal(key, kdfparams, secret, contexts.key({ id, chain, publicKey }))
    return { publicKey, crypto, address: type.address(raw) }
  })
  const { publicKey, crypto, address } = made
  const file: KeyFile = { version: 1, id, chain, publicKey, crypto, metadata: { createdAt: systemClock.seconds() } }
  writeSealedFile(join(folder, `${id}.json`), file)
  files.set(id, file)
  return { keyId: id, address, publicKey }
}

function sign(vault: Vault, keyId: string, bytes: Uint8Array): Uint8Array {
  const file = keyFile(vault, keyId)
  const type = keyTypes[file.chain]
  return vault.memory.scratch((scratch) => {
    const secret = scratch.subarray(0, type.secretBytes)
    if (!unseal(vault.key, file.crypto, contexts.key(file), secret)) throw damaged(join(vault.folder, `${keyId}.json`))
    return type.sign(secret, bytes)
  })
}

function derive(vault: Vault, keyId: string): DerivedKey {
  const file = keyFile(vault, keyId)
  const type = keyTypes[file.chain]
  const raw = vault.memory.scratch((scratch) => {
    const secret = scratch.subarray(0, type.secretBytes)
    return unseal(vault.key, file.crypto, contexts.key(file), secret) ? type.derive(secret) : undefined
  })
  if (raw === undefined || type.publicKeyText(raw) !== file.publicKey)
    throw damaged(join(vault.folder, `${keyId}.json`))
  return { keyId, chain: file.chain, publicKey: file.publicKey, address: type.address(raw) }
}

/** So that the log of a killed pair of processes can lose no more than this unseen. Not per payment: it costs two syncs. */
const KEEP_HEAD_MILLIS = 5_000

function keepHead(vault: Vault): void {
  const { told, stored } = vault.head
  if (told === undefined || told.seq === stored) return
  const last = readAuditFile(vault.folder) ?? { ...noCheckpoint, publicKey: checkpointKey(vault) }
  if (told.seq > (last.head?.seq ?? 0)) writeSealedFile(join(vault.folder, AUDIT), { ...last, head: told })
  vault.head = { told, stored: told.seq, storedAt: performance.now() }
}

const noCheckpoint = { version: 1, checkpoints: 0, seq: 0, hash: '0'.repeat(64) } as const

function checkpointKey(vault: Vault): string {
  const seed = namedSecret(vault, CHECKPOINT_SECRET)
  const publicKey = Buffer.alloc(32)
  vault.memory.scratch((secret) => sodium.crypto_sign_seed_keypair(publicKey, secret, seed))
  wipe(seed)
  return publicKey.toString('hex')
}

/** The counter goes to disk before the signature goes out, so that no signed checkpoint is ever ahead of it. */
function signCheckpoint(vault: Vault, { seq, hash, at }: Checkpoint): SignedCheckpoint {
  const last = readAuditFile(vault.folder)
  if (last !== undefined && seq < last.seq) {
    throw new AppError('AUDIT_ROLLED_BACK', `Entry ${last.seq} of the audit log was signed already, and is missing.`)
  }
  const seed = namedSecret(vault, CHECKPOINT_SECRET)
  const publicKey = Buffer.alloc(32)
  const signature = Buffer.alloc(64)
  const count = (last?.checkpoints ?? 0) + 1
  vault.memory.scratch((secret) => {
    sodium.crypto_sign_seed_keypair(publicKey, secret, seed)
    sodium.crypto_sign_detached(signature, Buffer.from(checkpointText({ seq, hash, count, at })), secret)
  })
  wipe(seed)
  const key = publicKey.toString('hex')
  const head = last?.head !== undefined && last.head.seq > seq ? { head: last.head } : {}
  writeSealedFile(join(vault.folder, AUDIT), { version: 1, publicKey: key, checkpoints: count, seq, hash, ...head })
  return { seq, hash, count, at, publicKey: key, signature: signature.toString('hex') }
}

/** The ids of all keys, oldest first. */
export function keyIds(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names
    .map((name) => name.slice(0, -5))
    .filter((id) => KeyFile.shape.id.safeParse(id).success)
    .sort()
}

function keyFile({ folder, files }: Vault, keyId: string): KeyFile {
  const known = files.get(keyId)
  if (known !== undefined) return known
  if (!KeyFile.shape.id.safeParse(keyId).success) throw keyNotFound()
  const path = join(folder, `${keyId}.json`)
  const file = readSealedFile(KeyFile, path)
  if (file === undefined) throw keyNotFound()
  if (file.id !== keyId) throw damaged(path)
  files.set(keyId, file)
  return file
}

function namedSecret({ folder, kdfparams, key }: Vault, name: string): Uint8Array {
  if (!SECRET_NAME.test(name)) throw new AppError('SECRET_NAME_INVALID', 'A secret is named by a-z, 0-9, . _ and -')
  const path = join(folder, SECRETS, `${name}.json`)
  const value = Buffer.alloc(SECRET_BYTES)
  const file = readSealedFile(SecretFile, path)
  if (file === undefined) {
    sodium.randombytes_buf(value)
    writeSealedFile(path, { version: 1, name, crypto: seal(key, kdfparams, value, contexts.secret(name)) })
  } else if (!unseal(key, file.crypto, contexts.secret(name), value)) throw damaged(path)
  return value
}

async function isPassword({ kdfparams, key }: Vault, password: Buffer): Promise<boolean> {
  try {
    const candidate = await deriveKey(password, kdfparams)
    const same = candidate.use((a) => key.use((b) => sodium.sodium_memcmp(a, b)))
    candidate.free()
    return same
  } finally {
    wipe(password)
  }
}

function notFound(folder: string): AppError {
  return new AppError('KEYSTORE_NOT_FOUND', `There is no keystore in ${folder}.`, { hint: 'Run: waiaas init' })
}

function keyNotFound(): AppError {
  return new AppError('KEY_NOT_FOUND', 'The keystore has no such key.')
}
