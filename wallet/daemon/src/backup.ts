import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, ensurePrivateDir, writeFileAtomic } from '@openpista/common'
import { type BackedUpFile, openBackup, sealBackup } from './backup-file.ts'
import { compareAddresses } from './compare-addresses.ts'
import { isInitialized } from './data-dir.ts'
import { dataPaths } from './paths.ts'
import { openKeystore } from './signer/keystore.ts'

export type BackupOptions = {
  dataDir: string
  /** Must not exist yet. */
  file: string
  /** Proves the copy by deriving every address. Both are wiped. */
  password: Buffer
  /** What the backup opens with. */
  passphrase: Buffer
}

/** What a backup was found to hold. */
export type BackupProof = { wallets: number; addresses: string[] }

/**
 * Writes keystore, database and configuration into one sealed file, also while the daemon runs; then opens
 * it again and derives every address from its key.
 *
 * @throws AppError NOT_INITIALIZED, FILE_EXISTS, INVALID_MASTER_PASSWORD, KEYSTORE_DAMAGED
 */
export async function backUp(options: BackupOptions): Promise<BackupProof> {
  const { dataDir, file, password, passphrase } = options
  try {
    if (!isInitialized(dataDir)) {
      throw new AppError('NOT_INITIALIZED', `There is no wallet in ${dataDir}.`, { hint: 'Make one with: waiaas init' })
    }
    if (existsSync(file)) {
      throw new AppError('FILE_EXISTS', `${file} exists already.`, { hint: 'Choose another name for the backup.' })
    }
    writeFileAtomic(file, await sealBackup(collect(dataDir), passphrase))
    try {
      return await proveBackup({ file, passphrase, password })
    } catch (error) {
      rmSync(file, { force: true })
      throw error
    }
  } finally {
    password.fill(0)
    passphrase.fill(0)
  }
}

/**
 * Opens a backup and derives every address that its database names from the key in its keystore.
 *
 * @throws AppError as `openBackup` and `openKeystore`, and BACKUP_INCOMPLETE.
 */
export async function proveBackup(options: {
  file: string
  passphrase: Buffer
  password: Buffer
}): Promise<BackupProof> {
  const folder = mkdtempSync(join(tmpdir(), 'waiaas-backup-'))
  try {
    unpackInto(folder, await openBackup(readFileSync(options.file), options.passphrase))
    const keystore = await openKeystore(dataPaths(folder).keystore, Buffer.from(options.password))
    try {
      const { wallets, faults } = compareAddresses(dataPaths(folder).database, keystore.deriveAll())
      if (faults.length > 0) throw new AppError('BACKUP_INCOMPLETE', faults.join(' '))
      return { wallets: wallets.length, addresses: wallets }
    } finally {
      keystore.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Writes a backup's files into an empty data directory, the keystore's last, so that one that broke off is
 * not taken for a wallet. Wipes the passphrase.
 *
 * @throws AppError DATA_DIR_IN_USE, and as `openBackup`.
 */
export async function restore(options: { dataDir: string; file: string; passphrase: Buffer }): Promise<void> {
  const { dataDir, file, passphrase } = options
  try {
    if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
      throw new AppError('DATA_DIR_IN_USE', `${dataDir} is not empty.`, {
        hint: 'Restore into a new folder: waiaas --data-dir <folder> restore <file>',
      })
    }
    const files = await openBackup(readFileSync(file), passphrase)
    ensurePrivateDir(dataDir)
    for (const folder of ['data', 'logs', 'run']) ensurePrivateDir(join(dataDir, folder))
    // What was signed since the backup is not in it: the daemon signs nothing until the operator has looked.
    writeFileAtomic(dataPaths(dataDir).restoredMark, '')
    unpackInto(dataDir, files)
  } finally {
    passphrase.fill(0)
  }
}

/**
 * The checkpoint of the audit log comes first and the keys last: the database may be newer than the
 * checkpoint, and has no wallet whose key is not there.
 */
function collect(dataDir: string): BackedUpFile[] {
  const paths = dataPaths(dataDir)
  const audit = join(paths.keystore, 'audit.json')
  const checkpoint = existsSync(audit) ? [{ path: 'keystore/audit.json', content: readFileSync(audit) }] : []
  const database = { path: 'data/waiaas.db', content: copyDatabase(paths.database) }
  const config = { path: 'config.toml', content: readFileSync(paths.config) }
  const names = readdirSync(paths.keystore, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (name.endsWith('.json') && name !== 'audit.json') || name === 'halted',
  )
  // The header makes a keystore of the folder, so it is what a restore writes last.
  const ordered = [...names.filter((name) => name !== 'keystore.json'), 'keystore.json']
  const keystore = ordered.map((name) => ({
    path: `keystore/${name.replaceAll('\\', '/')}`,
    content: readFileSync(join(paths.keystore, name)),
  }))
  return [config, database, ...checkpoint, ...keystore]
}

function copyDatabase(path: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'waiaas-copy-'))
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  try {
    const copy = join(folder, 'copy.db')
    connection.prepare('VACUUM INTO ?').run(copy)
    return readFileSync(copy)
  } finally {
    connection.close()
    rmSync(folder, { recursive: true })
  }
}

function unpackInto(folder: string, files: readonly BackedUpFile[]): void {
  for (const { path, content } of files) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    writeFileAtomic(target, content)
  }
}
