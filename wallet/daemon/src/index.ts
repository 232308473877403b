/** The wallet as the command line uses it. Heavy parts load when they are needed. */
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assertOwnFolder } from './assert-own-folder.ts'
import type { BackupOptions, BackupProof } from './backup.ts'
import type { InitOptions } from './data-dir.ts'
import type { DoctorOptions, Finding } from './doctor.ts'
import type { OpenWork } from './open-work.ts'
import { dataPaths } from './paths.ts'
import { settleKeystore } from './signer/settle-keystore.ts'
import type { AuditCheck, EventRow } from './store/verify-audit.ts'

export type { InitOptions } from './data-dir.ts'
export type { Finding } from './doctor.ts'
export type { OpenWork } from './open-work.ts'
export { dataPaths } from './paths.ts'
export { type ProcessLock, takeProcessLock } from './process-lock.ts'
export { keystoreExists } from './signer/settle-keystore.ts'
export type { AuditCheck, EventRow, ExportEnd } from './store/verify-audit.ts'

/** @throws AppError as in `data-dir.ts`. */
export async function initDataDir(options: InitOptions): Promise<void> {
  const module = await import('./data-dir.ts')
  await module.initDataDir(options)
}

/**
 * Becomes the signer of a data directory and runs the daemon as its child until one of them ends.
 *
 * @returns the daemon's exit code.
 * @throws AppError for a wrong password, a damaged keystore, or a data directory that others may enter.
 */
export async function runWallet(options: {
  dataDir: string
  password: Buffer
  env: Readonly<Record<string, string | undefined>>
}): Promise<number> {
  process.umask(0o077)
  assertOwnFolder(options.dataDir)
  settleKeystore(dataPaths(options.dataDir).keystore)
  enableCompileCache(dataPaths(options.dataDir).signerCache)
  const { runSigner } = await import('./signer/run-signer.ts')
  return await runSigner({
    ...options,
    daemonEntry: fileURLToPath(new URL('./main.ts', import.meta.url)),
    daemonArgs: [options.dataDir],
    codeDirs: codeDirs(),
  })
}

/** Checks the audit log and its checkpoints: of the data directory, or of an exported file. Needs no daemon. */
export async function verifyAudit(dataDir: string, file: string | undefined): Promise<AuditCheck> {
  const { checkAudit, checkAuditFile } = await import('./check-audit.ts')
  return file === undefined ? await checkAudit(dataDir) : await checkAuditFile(dataDir, file)
}

/** Every entry of the audit log, oldest first. */
export async function* exportAudit(dataDir: string): AsyncGenerator<EventRow> {
  const { openStore } = await import('./data-dir.ts')
  const { readEvents } = await import('./store/verify-audit.ts')
  const store = await openStore(dataDir)
  try {
    yield* readEvents(store.db)
  } finally {
    await store.close()
  }
}

/**
 * Seals the keystore under another master password. Only for who holds the signer's lock.
 *
 * @throws AppError as in `set-master.ts`.
 */
export async function setMaster(options: { dataDir: string; oldPassword: Buffer; newPassword: Buffer }): Promise<void> {
  const module = await import('./set-master.ts')
  await module.setMaster(options)
}

/** @throws AppError as in `backup.ts`. */
export async function backUp(options: BackupOptions): Promise<BackupProof> {
  const module = await import('./backup.ts')
  return await module.backUp(options)
}

/** @throws AppError as in `backup.ts`. */
export async function restore(options: { dataDir: string; file: string; passphrase: Buffer }): Promise<void> {
  const module = await import('./backup.ts')
  await module.restore(options)
}

/** Payments and accounts that the operator may have to look at. Needs neither the daemon nor the password. */
export async function readOpenWork(dataDir: string): Promise<OpenWork> {
  const { countOpenWork } = await import('./open-work.ts')
  return countOpenWork(dataPaths(dataDir).database)
}

/** Checks a data directory, line by line. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Finding> {
  const module = await import('./doctor.ts')
  yield* module.examine(options)
}

/**
 * Signs an owner's challenge with the key in `text`.
 *
 * @throws AppError OWNER_KEY_INVALID.
 */
export async function signAsOwner(
  text: string,
  challenge: { scheme: 'eip712' | 'siwe' | 'solana'; message: string },
): Promise<string> {
  const { readOwnerKey } = await import('./owner-key.ts')
  return await (await readOwnerKey(text)).sign(challenge)
}

/** Where everything lies that the daemon imports: a built program is one folder, sources are several. */
function codeDirs(): string[] {
  const here = dirname(fileURLToPath(import.meta.url))
  if (!import.meta.url.endsWith('.ts')) return [here]
  const modules = findUp(here, 'node_modules')
  const root = dirname(modules)
  const workspace = ['common', 'wallet/core', 'wallet/daemon', 'wallet/admin'].map((name) => join(root, name))
  return [modules, here, ...workspace].filter((folder) => existsSync(folder))
}

function findUp(from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, name)
    if (existsSync(join(candidate, 'hono'))) return candidate
    if (folder === dirname(folder)) throw new Error(`no ${name} folder above ${from}`)
  }
}
