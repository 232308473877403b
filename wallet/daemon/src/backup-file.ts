import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '@openpista/common'
import sodium from 'sodium-native'
import { z } from 'zod'
import { deriveKey, KdfParams, newKdfParams } from './signer/sealed.ts'

/** A file of a backup: its path in the data directory, with `/`. */
export type BackedUpFile = { path: string; content: Buffer }

/**
 * The layout: a line that says what it is, a line of JSON with how it is sealed, the sealed archive, its tag,
 * and the SHA-256 of all that, which tells a damaged file from a wrong passphrase. Both lines are bound to
 * the seal. The archive is a length, a JSON list of paths and sizes, and the contents.
 */
const MAGIC = 'waiaas backup 1\n'
const TAG_BYTES = 16
const HASH_BYTES = 32
const MAX_HEADER_BYTES = 1024

const Header = z.strictObject({
  cipher: z.literal('xchacha20-poly1305'),
  nonce: z.string().regex(/^[0-9a-f]{48}$/),
  kdf: z.literal('argon2id'),
  kdfparams: KdfParams,
})

/** What a backup may hold: nothing that could be written elsewhere. */
const PATH =
  /^(config\.toml|data\/waiaas\.db|keystore\/(halted|[a-z0-9-]+\.json|secrets\/[a-z0-9][a-z0-9._-]{0,63}\.json))$/
const Listing = z.array(z.strictObject({ path: z.string().regex(PATH), size: z.number().int().min(0) }))

/** Seals under a key of the passphrase, which is left as it is. */
export async function sealBackup(files: readonly BackedUpFile[], passphrase: Buffer): Promise<Buffer> {
  const kdfparams = newKdfParams()
  const nonce = Buffer.alloc(24)
  sodium.randombytes_buf(nonce)
  const sealing = { cipher: 'xchacha20-poly1305', nonce: nonce.toString('hex'), kdf: 'argon2id', kdfparams } as const
  const header = Buffer.from(`${MAGIC}${JSON.stringify(sealing)}\n`)
  const archive = pack(files)
  const sealed = Buffer.alloc(archive.length)
  const tag = Buffer.alloc(TAG_BYTES)
  const key = await deriveKey(passphrase, kdfparams)
  key.use((bytes) =>
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt_detached(sealed, tag, archive, header, null, nonce, bytes),
  )
  key.free()
  const content = Buffer.concat([header, sealed, tag])
  return Buffer.concat([content, sha256(content)])
}

/**
 * @throws AppError BACKUP_FOREIGN, BACKUP_DAMAGED, BACKUP_PASSPHRASE_WRONG
 */
export async function openBackup(file: Buffer, passphrase: Buffer): Promise<BackedUpFile[]> {
  const { header, body, sealing } = readHeader(file)
  const nonce = Buffer.from(sealing.nonce, 'hex')
  const archive = Buffer.alloc(body.length - TAG_BYTES)
  const key = await deriveKey(passphrase, sealing.kdfparams)
  try {
    key.use((bytes) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
        archive,
        null,
        body.subarray(0, archive.length),
        body.subarray(archive.length),
        header,
        nonce,
        bytes,
      ),
    )
  } catch (cause) {
    throw new AppError('BACKUP_PASSPHRASE_WRONG', 'The passphrase does not open this backup.', {
      hint: 'A backup opens with its own passphrase, or with the master password at the time it was made.',
      cause,
    })
  } finally {
    key.free()
  }
  return unpack(archive)
}

function readHeader(file: Buffer) {
  if (!file.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC))) {
    throw new AppError('BACKUP_FOREIGN', 'This file is not a backup of waiaas.')
  }
  const end = file.subarray(0, MAX_HEADER_BYTES).indexOf(0x0a, MAGIC.length) + 1
  const content = file.subarray(0, -HASH_BYTES)
  const isWhole = end > 0 && content.length >= end + TAG_BYTES
  if (!isWhole || !timingSafeEqual(sha256(content), file.subarray(-HASH_BYTES))) throw damagedBackup()
  try {
    const sealing = Header.parse(JSON.parse(file.toString('utf8', MAGIC.length, end)))
    return { header: content.subarray(0, end), body: content.subarray(end), sealing }
  } catch (cause) {
    throw damagedBackup(cause)
  }
}

function pack(files: readonly BackedUpFile[]): Buffer {
  const listing = Buffer.from(JSON.stringify(files.map(({ path, content }) => ({ path, size: content.length }))))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(listing.length)
  return Buffer.concat([length, listing, ...files.map(({ content }) => content)])
}

function unpack(archive: Buffer): BackedUpFile[] {
  try {
    let at = 4 + archive.readUInt32BE(0)
    const files: BackedUpFile[] = []
    for (const { path, size } of Listing.parse(JSON.parse(archive.toString('utf8', 4, at)))) {
      if (at + size > archive.length) throw new RangeError(`${path} is cut off`)
      files.push({ path, content: archive.subarray(at, at + size) })
      at += size
    }
    return files
  } catch (cause) {
    throw damagedBackup(cause)
  }
}

function sha256(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest()
}

function damagedBackup(cause?: unknown): AppError {
  return new AppError('BACKUP_DAMAGED', 'This backup is damaged or was changed.', {
    hint: 'Use another copy of it. Nothing was restored.',
    cause,
  })
}
