import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '@openpista/common/app-error'
import { writeFileAtomic } from '@openpista/common/files'
import {
  AUDIT,
  contexts,
  damaged,
  HALTED,
  HEADER,
  headerChecksum,
  KeyFile,
  readAuditFile,
  readSealedFile,
  SECRETS,
  SecretFile,
  writeSealedFile,
} from './key-file.ts'
import { keyTypes } from './key-type.ts'
import { assertLongEnough, keyIds, unlockHeader } from './keystore.ts'
import { deriveKey, type KdfParams, newKdfParams, type Sealed, seal, unseal } from './sealed.ts'
import { type SecureMemory, secureMemory, wipe } from './secure-memory.ts'
import { nextFolder, pastFolder, settleKeystore, syncFolder } from './settle-keystore.ts'

export type ChangePassword = {
  folder: string
  /** Both are wiped. */
  oldPassword: Buffer
  newPassword: Buffer
  /** Called after every step that reaches the disk. */
  onStep: () => void
}

/**
 * Seals every key and secret anew, under a key of the new password with a new salt. Whenever it is
 * interrupted, the keystore opens with the old password or with the new one: `settleKeystore` sees to that.
 * Only for who holds the signer's lock.
 *
 * @throws AppError INVALID_MASTER_PASSWORD, PASSWORD_TOO_SHORT, KEYSTORE_DAMAGED; the keystore is as before then.
 */
export async function changePassword(options: ChangePassword): Promise<void> {
  const { folder, oldPassword, newPassword, onStep } = options
  try {
    settleKeystore(folder)
    assertLongEnough(newPassword)
    const { key: oldKey } = await unlockHeader(folder, oldPassword)
    const kdfparams = newKdfParams()
    const newKey = await deriveKey(newPassword, kdfparams)
    const memory = secureMemory(64)
    try {
      buildNext({ folder, oldKey, newKey, kdfparams, memory, onStep })
    } finally {
      for (const secret of [oldKey, newKey, memory]) secret.free()
    }
    renameSync(folder, pastFolder(folder))
    onStep()
    renameSync(nextFolder(folder), folder)
    syncFolder(dirname(folder))
    onStep()
    rmSync(pastFolder(folder), { recursive: true })
    onStep()
  } finally {
    wipe(oldPassword)
    wipe(newPassword)
  }
}

type Reseal = {
  folder: string
  oldKey: SecureMemory
  newKey: SecureMemory
  kdfparams: KdfParams
  memory: SecureMemory
  onStep: () => void
}

function buildNext(parts: Reseal): void {
  const { folder, newKey, kdfparams, memory, onStep } = parts
  const next = nextFolder(folder)
  mkdirSync(join(next, SECRETS), { recursive: true, mode: 0o700 })
  onStep()
  for (const id of keyIds(folder)) {
    const name = `${id}.json`
    const file = readSealedFile(KeyFile, join(folder, name))!
    const crypto = resealed(parts, file.crypto, contexts.key(file), keyTypes[file.chain].secretBytes, name)
    writeSealedFile(join(next, name), { ...file, crypto })
    onStep()
  }
  for (const name of readdirSync(join(folder, SECRETS)).filter((name) => name.endsWith('.json'))) {
    const path = join(SECRETS, name)
    const file = readSealedFile(SecretFile, join(folder, path))!
    const crypto = resealed(parts, file.crypto, contexts.secret(file.name), file.crypto.ciphertext.length / 2, path)
    writeSealedFile(join(next, path), { ...file, crypto })
    onStep()
  }
  if (existsSync(join(folder, HALTED))) writeFileAtomic(join(next, HALTED), '')
  const audit = readAuditFile(folder)
  if (audit !== undefined) writeSealedFile(join(next, AUDIT), audit)
  const check = memory.scratch((bytes) => seal(newKey, kdfparams, bytes.subarray(0, 32), contexts.header))
  writeSealedFile(join(next, HEADER), { version: 1, crypto: check, checksum: headerChecksum(check) })
  syncFolder(next)
  syncFolder(dirname(folder))
  onStep()
}

/** Opens with the old key, seals with the new one, and opens that once more before it is trusted. */
function resealed(parts: Reseal, crypto: Sealed, context: string, length: number, name: string): Sealed {
  const { folder, oldKey, newKey, kdfparams, memory } = parts
  const sealed = memory.scratch((bytes) => {
    const secret = bytes.subarray(0, length)
    return unseal(oldKey, crypto, context, secret) ? seal(newKey, kdfparams, secret, context) : undefined
  })
  if (sealed === undefined) throw damaged(join(folder, name))
  if (!memory.scratch((bytes) => unseal(newKey, sealed, context, bytes.subarray(0, length)))) {
    throw new AppError('INTERNAL_ERROR', `What was sealed for ${name} does not open.`)
  }
  return sealed
}
