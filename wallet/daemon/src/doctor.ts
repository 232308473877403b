import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, systemTimers } from '@openpista/common'
import { proveBackup } from './backup.ts'
import type { ChainAdapter } from './chains/chain-adapter.ts'
import { httpExchange } from './chains/exchange.ts'
import { createAdapters } from './chains/index.ts'
import { checkAudit } from './check-audit.ts'
import { compareAddresses } from './compare-addresses.ts'
import { readDaemonConfig, servedNetworks } from './config.ts'
import { countOpenWork } from './open-work.ts'
import { dataPaths } from './paths.ts'
import { openKeystore } from './signer/keystore.ts'
import type { DerivedKey } from './signer/signer.ts'

/** One line of the doctor's report. `todo`: what the operator does about a fault. */
export type Finding =
  | { name: string; ok: true; detail: string }
  | { name: string; ok: false; detail: string; todo: string }

export type DoctorOptions = {
  dataDir: string
  env: Readonly<Record<string, string | undefined>>
  /** Wiped after use. */
  password: Buffer
  backup: { file: string; passphrase: Buffer } | undefined
}

const RESTORE = 'Restore a backup into a new folder: waiaas --data-dir <folder> restore <file>'

/** Checks a data directory, and a backup where one is named. Changes nothing; the daemon may run meanwhile. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Finding> {
  const { dataDir, env, password, backup } = options
  const paths = dataPaths(dataDir)
  try {
    yield await finding('permissions', 'Run the command that it names.', () => checkModes(dataDir))
    yield await finding('configuration', `Correct ${paths.config}.`, () => {
      readDaemonConfig(dataDir, env)
      return `${paths.config} is valid`
    })
    yield await finding('database', RESTORE, () => checkDatabase(paths.database))
    yield await finding('audit log', 'Compare with an earlier export, and find out who could write the database.', () =>
      describeAudit(dataDir),
    )
    let keys: DerivedKey[] | undefined
    yield await finding('keystore', RESTORE, async () => {
      const keystore = await openKeystore(paths.keystore, Buffer.from(password))
      try {
        keys = keystore.deriveAll()
      } finally {
        keystore.close()
      }
      return `opens, with ${keys.length} keys`
    })
    yield await finding('addresses', RESTORE, () => {
      if (keys === undefined) throw new AppError('KEYSTORE_LOCKED', 'Not checked: the keystore does not open.')
      const { wallets, faults } = compareAddresses(paths.database, keys)
      if (faults.length > 0) throw new AppError('ADDRESS_MISMATCH', faults.join(' '))
      return `all ${wallets.length} derive from their keys`
    })
    yield await finding('payments', RESTORE, () => describeOpenWork(paths.database))
    if (backup !== undefined) {
      yield await finding('backup', 'Make a new one: waiaas backup <file>', async () => {
        const { wallets } = await proveBackup({ ...backup, password })
        return `opens, and all its ${wallets} addresses derive from its keys`
      })
    }
    for (const adapter of servedBy(dataDir, env)) {
      const todo = `Start the node, or set another address under [rpc] in ${paths.config}.`
      yield await finding(`nodes of ${adapter.network.name}`, todo, () => checkNodes(adapter))
    }
  } finally {
    password.fill(0)
    backup?.passphrase.fill(0)
  }
}

async function finding(name: string, todo: string, check: () => string | Promise<string>): Promise<Finding> {
  try {
    return { name, ok: true, detail: await check() }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { name, ok: false, detail: error.message, todo: (error instanceof AppError && error.hint) || todo }
  }
}

function checkModes(dataDir: string): string {
  if (process.platform === 'win32') return 'not checked on this system'
  const all = ['', ...readdirSync(dataDir, { recursive: true, encoding: 'utf8' })].map((name) => join(dataDir, name))
  const open = all.filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0
  })
  if (open.length === 0) return 'nobody else can read or write the data directory'
  const [first] = open
  throw new AppError('PERMISSIONS_TOO_OPEN', `Other users can use ${open.length} files, such as ${first}.`, {
    hint: `Run: chmod -R go= '${dataDir}'`,
  })
}

function checkDatabase(path: string): string {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  try {
    const faults = connection
      .prepare('PRAGMA integrity_check(5)')
      .all()
      .map((row) => String(row.integrity_check))
    if (faults.join() !== 'ok') throw new AppError('DATABASE_DAMAGED', faults.join('; '))
    if (connection.prepare('PRAGMA foreign_key_check').all().length > 0) {
      throw new AppError('DATABASE_DAMAGED', 'Rows refer to others that are missing.')
    }
    return 'is whole'
  } finally {
    connection.close()
  }
}

function describeOpenWork(database: string): string {
  const { openTransactions, heldAccounts } = countOpenWork(database)
  const open = openTransactions === 0 ? 'none is open' : `${openTransactions} open, see: waiaas tx list --open`
  const accounts = heldAccounts === 1 ? '1 account is held' : `${heldAccounts} accounts are held`
  const held = `${accounts}, so that nothing is signed, see: waiaas account list`
  return heldAccounts === 0 ? open : `${open}; ${held}`
}

/** None where the configuration is at fault, which is a finding of its own. */
function servedBy(dataDir: string, env: DoctorOptions['env']): ChainAdapter[] {
  try {
    const config = readDaemonConfig(dataDir, env)
    const feeHeadroomPercent = config.fees.replacement_headroom_percent
    return createAdapters(servedNetworks(config), { exchange: httpExchange, timers: systemTimers, feeHeadroomPercent })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return []
  }
}

async function checkNodes(adapter: ChainAdapter): Promise<string> {
  const answer = await adapter.connect()
  await adapter.close()
  const fault = answer.ok ? answer.warning : answer.message
  if (!answer.ok || fault !== undefined) throw new AppError('CHAIN_ERROR', `${fault}`)
  return answer.lacks ?? 'serve it and offer everything that is used'
}

async function describeAudit(dataDir: string): Promise<string> {
  const check = await checkAudit(dataDir)
  if (!check.ok) throw new AppError('AUDIT_BROKEN', check.why)
  return `${check.entries} entries and ${check.checkpoints} signed checkpoints are intact`
}
