/** The wallet as the command line uses it. Heavy parts load when they are needed. */
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { InitOptions } from './data-dir.ts'
import { dataPaths } from './paths.ts'
import type { AuditCheck, EventRow } from './store/verify-audit.ts'

export type { InitOptions } from './data-dir.ts'
export { dataPaths } from './paths.ts'
export { type ProcessLock, takeProcessLock } from './process-lock.ts'
export type { AuditCheck, EventRow } from './store/verify-audit.ts'

/** @throws AppError as in `data-dir.ts`. */
export async function initDataDir(options: InitOptions): Promise<void> {
  const module = await import('./data-dir.ts')
  await module.initDataDir(options)
}

/**
 * Becomes the signer of a data directory and runs the daemon as its child until one of them ends.
 *
 * @returns the daemon's exit code.
 * @throws AppError for a wrong password or a damaged keystore.
 */
export async function runWallet(options: {
  dataDir: string
  password: Buffer
  env: Readonly<Record<string, string | undefined>>
}): Promise<number> {
  process.umask(0o077)
  enableCompileCache(dataPaths(options.dataDir).signerCache)
  const { runSigner } = await import('./signer/run-signer.ts')
  return await runSigner({
    ...options,
    daemonEntry: fileURLToPath(new URL('./main.ts', import.meta.url)),
    daemonArgs: [options.dataDir],
    codeDirs: codeDirs(),
  })
}

/** Checks the hash chain of the audit log: of an exported file, or of the data directory's own. */
export async function verifyAudit(source: { dataDir: string } | { file: string }): Promise<AuditCheck> {
  const { verifyEventFile, verifyEvents } = await import('./store/verify-audit.ts')
  if ('file' in source) return await verifyEventFile(source.file)
  const { openStore } = await import('./data-dir.ts')
  const store = await openStore(source.dataDir)
  try {
    return await verifyEvents(store.db)
  } finally {
    await store.close()
  }
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

/** What the daemon imports: the folder of dependencies, and the packages it is built from. */
function codeDirs(): string[] {
  const here = dirname(fileURLToPath(import.meta.url))
  const modules = findUp(here, 'node_modules')
  const root = dirname(modules)
  const workspace = ['common', 'wallet/core', 'wallet/daemon', 'wallet/admin'].map((name) => join(root, name))
  // A built program lies in a folder of its own.
  return [modules, here, ...workspace].filter((folder) => existsSync(folder))
}

function findUp(from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, name)
    if (existsSync(join(candidate, 'hono'))) return candidate
    if (folder === dirname(folder)) throw new Error(`no ${name} folder above ${from}`)
  }
}
