import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@openpista/common/app-error'
import { assertPrivate, writeFileAtomic } from '@openpista/common/files'
import { z } from 'zod'
import { Sealed } from './sealed.ts'

/** Names in the keystore folder, besides the keys' own. */
export const HEADER = 'keystore.json'
export const SECRETS = 'secrets'
export const HALTED = 'halted'
export const AUDIT = 'audit.json'

/** `keystore.json`: proves the master password. `checksum` tells a damaged file from a wrong password. */
export const HeaderFile = z.strictObject({ version: z.literal(1), crypto: Sealed, checksum: z.string().length(64) })
export type HeaderFile = z.infer<typeof HeaderFile>

/** `<id>.json`: one private key. */
export const KeyFile = z.strictObject({
  version: z.literal(1),
  id: z.uuid(),
  chain: z.enum(['evm', 'solana']),
  publicKey: z.string().max(132),
  crypto: Sealed,
  metadata: z.strictObject({ createdAt: z.number().int() }),
})
export type KeyFile = z.infer<typeof KeyFile>

/** `secrets/<name>.json`: 32 random bytes for another use. */
export const SecretFile = z.strictObject({ version: z.literal(1), name: z.string(), crypto: Sealed })
export type SecretFile = z.infer<typeof SecretFile>

/** `audit.json`: who signs the audit log's checkpoints, and the last that was signed. Guards against older databases. */
export const AuditFile = z.strictObject({
  version: z.literal(1),
  publicKey: z.string().regex(/^[0-9a-f]{64}$/),
  checkpoints: z.number().int().min(0),
  seq: z.number().int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The newest entry that the daemon has told of; at least as new as the checkpoint. */
  head: z.strictObject({ seq: z.number().int().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
})
export type AuditFile = z.infer<typeof AuditFile>

/** What a secret is bound to: it opens only in the file, and under the name, that it was sealed for. */
export const contexts = {
  header: 'waiaas keystore 1 check',
  key: (file: Pick<KeyFile, 'id' | 'chain' | 'publicKey'>) =>
    `waiaas keystore 1 key ${file.id} ${file.chain} ${file.publicKey}`,
  secret: (name: string) => `waiaas keystore 1 secret ${name}`,
}

export function headerChecksum(crypto: Sealed): string {
  return createHash('sha256').update(JSON.stringify(crypto)).digest('hex')
}

const MAX_FILE_BYTES = 16_384

/** `undefined` where there is no such file. @throws AppError KEYSTORE_DAMAGED, PERMISSIONS_TOO_OPEN */
export function readSealedFile<Schema extends z.ZodType>(schema: Schema, path: string): z.output<Schema> | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return undefined
  assertPrivate(path, 0o600)
  if (!stat.isFile() || stat.size > MAX_FILE_BYTES) throw damaged(path)
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw damaged(path, cause)
  }
}

/** `undefined` before the first checkpoint. @throws AppError KEYSTORE_DAMAGED, PERMISSIONS_TOO_OPEN */
export function readAuditFile(folder: string): AuditFile | undefined {
  return readSealedFile(AuditFile, join(folder, AUDIT))
}

export function writeSealedFile(path: string, content: HeaderFile | KeyFile | SecretFile | AuditFile): void {
  writeFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`)
}

export function damaged(path: string, cause?: unknown): AppError {
  return new AppError('KEYSTORE_DAMAGED', `${path} is damaged or was changed.`, {
    hint: 'Restore this file from a backup of the keystore folder.',
    cause,
  })
}
