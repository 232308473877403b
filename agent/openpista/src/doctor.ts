import { execFile } from 'node:child_process'
import { existsSync, lstatSync, statSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { AppError, type Backup, backupsOf, type Logger } from '@openpista/common'
import { type Assembly, assemble } from './assemble.ts'
import { configFile, loadSettings, type Settings } from './config.ts'
import { isAlive } from './executors/alive.ts'
import { probeBubblewrap } from './executors/bubblewrap.ts'
import { scrubEnvironment } from './executors/process.ts'
import { verifyAudit } from './store/audit.ts'
import { migrations } from './store/tables.ts'
import { findChromium } from './tools/browser/chromium.ts'

/** One line of the report. `fail`: it does not start, or something that was configured does not work. */
export type Finding = { name: string; level: 'ok' | 'warn' | 'fail'; detail: string; todo?: string }

export type DoctorParts = {
  /** As named on the command line. */
  file: string | undefined
  env: Readonly<Record<string, string | undefined>>
  logger: Logger
  /** The gateway that runs with these settings. */
  running: (settings: Settings) => Promise<{ pid: number; url: string | null } | undefined>
}

type Check = () => Found | Promise<Found>
type Found = string | Omit<Finding, 'name'>

const ANSWER_MS = 10_000

/**
 * Checks what a start needs, by the way that a start goes: what a start makes (folders, token, database) is made
 * here too, but nothing is started and an older database is left as it is.
 */
export async function* examine(parts: DoctorParts): AsyncGenerator<Finding> {
  const { env } = parts
  let settings: Settings | undefined
  yield await finding('configuration', () => {
    settings = loadSettings(parts.file, env)
    return describeConfig(parts)
  })
  if (settings === undefined) return
  const known = settings
  yield await finding('permissions', () => checkModes(known, configFile(parts.file, env)))
  yield await finding('workspace', () => checkWorkspace(known.workspace))
  let usable = false
  yield await finding('database', () => {
    const version = databaseVersion(known.database)
    usable = version === undefined || version === migrations.length
    return describeDatabase(known.database, version, backupsOf(known.database))
  })
  yield await finding('port', () => checkPort(known, parts))
  yield await finding('browser', () => checkBrowser(known, env))
  if (!usable) return yield* notAssembled('the database comes first')
  let assembly: Assembly | undefined
  yield await finding('start-up', async () => {
    assembly = await assemble({ settings: known, env, logger: parts.logger, reach: 'all' })
    return 'every part can be made'
  })
  if (assembly === undefined) return yield* notAssembled('the start-up comes first')
  try {
    yield* examineAssembly(assembly, known, env)
  } finally {
    await assembly.store.close()
  }
}

const ASSEMBLED = ['audit log', 'model', 'executor', 'containers', 'wallet']

function* notAssembled(why: string): Generator<Finding> {
  for (const name of ASSEMBLED) yield { name, level: 'warn', detail: `not checked: ${why}` }
}

async function* examineAssembly(assembly: Assembly, settings: Settings, env: DoctorParts['env']) {
  const { models, wallet, store } = assembly
  yield await finding('audit log', async () => {
    const audit = await verifyAudit(store.db)
    if (audit.ok) return `${audit.entries} entries are whole`
    return fail(`broken at entry ${audit.brokenAt}`, 'Find out who could write the database, and restore a backup.')
  })
  yield await finding('model', async () => {
    const choice = await models.choose(null)
    if (choice.ok)
      return `${choice.provider.id}, ${choice.model}; its credential is there (openpista model test uses it)`
    return { level: 'warn', detail: choice.hint.split('\n')[0]! }
  })
  yield await finding('executor', () => checkExecutor(assembly, settings, env))
  yield await finding('containers', () => checkContainers(assembly, settings))
  yield await finding('wallet', async () => {
    if (wallet === null) return 'none configured'
    const { wallets } = await withTime(wallet.getWallet())
    return `answers, with ${wallets.length} wallets`
  })
}

async function finding(name: string, check: Check): Promise<Finding> {
  try {
    const found = await check()
    return typeof found === 'string' ? { name, level: 'ok', detail: found } : { name, ...found }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const todo = error instanceof AppError ? error.hint : undefined
    return { name, level: 'fail', detail: error.message, ...(todo === undefined ? {} : { todo }) }
  }
}

function fail(detail: string, todo: string): Found {
  return { level: 'fail', detail, todo }
}

function describeConfig({ file, env }: DoctorParts): Found {
  const path = configFile(file, env)
  if (existsSync(path)) return `${path} is valid`
  if (file === undefined) return `no ${path}: everything has its default`
  return fail(`There is no ${path}.`, 'Name a file that exists, or leave the option out.')
}

const PRIVATE_FILES = ['credentials.toml', 'credentials.key']

function checkModes({ home, config, ...paths }: Settings, file: string): Found {
  if (process.platform === 'win32') return { level: 'warn', detail: 'not checked on this system' }
  const holdsSecret = config.agent.api_key !== '' || config.channels.web.token !== ''
  const candidates = [
    ...[home, paths.tokenFile, paths.socket, paths.stateFile, paths.historyFile, paths.recordings],
    ...[paths.database, `${paths.database}-wal`, `${paths.database}-shm`],
    ...backupsOf(paths.database).map(({ path }) => path),
    ...PRIVATE_FILES.map((name) => join(home, name)),
    ...(holdsSecret ? [file] : []),
    ...(config.wallet.token_file === '' ? [] : [config.wallet.token_file]),
  ]
  const open = candidates.filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0
  })
  if (open.length > 0) {
    return fail(
      `Other users can use ${open.join(', ')}.`,
      `Run: chmod go= ${open.map((path) => `'${path}'`).join(' ')}`,
    )
  }
  return existsSync(home) ? `nobody else can use ${home} and the secrets` : `${home} is not there yet`
}

async function checkWorkspace(path: string): Promise<Found> {
  if (!existsSync(path)) return { level: 'warn', detail: `${path} is missing; a start makes it, empty` }
  if (!statSync(path).isDirectory()) return fail(`${path} is no folder.`, 'Let skills.workspace name a folder.')
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  return path
}

/** `undefined`: there is no file. Reads and changes nothing. */
function databaseVersion(path: string): number | undefined {
  if (!existsSync(path)) return undefined
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  try {
    const faults = connection.prepare('PRAGMA integrity_check(3)').all()
    const words = faults.map((row) => String(row.integrity_check)).join('; ')
    if (words !== 'ok') throw new AppError('DATABASE_DAMAGED', words, { hint: RESTORE })
    return Number(
      connection.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_migrations').get()?.version,
    )
  } catch (cause) {
    if (cause instanceof AppError || !(cause instanceof Error)) throw cause
    throw new AppError('DATABASE_DAMAGED', `${path}: ${cause.message}`, { hint: RESTORE, cause })
  } finally {
    connection.close()
  }
}

const RESTORE = 'Move the file away and put a backup in its place, or start with a new one.'

function describeDatabase(path: string, version: number | undefined, backups: readonly Backup[]): Found {
  const kept = backups.map((backup) => `${backup.path} (${Math.ceil(backup.bytes / 2 ** 20)} MB)`).join(', ')
  const copies = kept === '' ? '' : `; kept from before a migration: ${kept}`
  if (version === undefined) return `no ${path} yet${copies}`
  if (version > migrations.length) {
    return fail(
      `${path} was written by a newer version (schema ${version})${copies}.`,
      'Install the newer version again.',
    )
  }
  if (version === migrations.length) return `${path} is whole, schema ${version}${copies}`
  const next = `the next start makes a backup and brings it to ${migrations.length}`
  return { level: 'warn', detail: `schema ${version}; ${next}${copies}` }
}

async function checkPort(settings: Settings, { running }: DoctorParts): Promise<Found> {
  const gateway = await running(settings)
  if (gateway !== undefined) return `a gateway runs (process ${gateway.pid}), ${gateway.url ?? 'without a web client'}`
  const { enabled, port } = settings.config.channels.web
  if (!enabled) return 'no gateway runs; the web client is off'
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(port, '127.0.0.1', resolve)
  try {
    await promise
  } catch (error) {
    return fail(
      `Port ${port} cannot be used: ${(error as NodeJS.ErrnoException).code}.`,
      'End the program that uses it, or set channels.web.port to another (0: any).',
    )
  }
  await new Promise((done) => server.close(done))
  return `no gateway runs; port ${port === 0 ? 'of any number' : port} is free`
}

async function checkBrowser({ config, home }: Settings, env: DoctorParts['env']): Promise<Found> {
  if (!config.browser.enabled) return 'off'
  const { path } = config.browser
  const found = await findChromium({ path, folder: join(home, 'browser'), env: scrubEnvironment(env), isAlive })
  if ('missing' in found) return { level: path === '' ? 'warn' : 'fail', detail: found.missing }
  const { stdout } = await promisify(execFile)(found.path, ['--version'], {
    env: scrubEnvironment(env),
    timeout: ANSWER_MS,
  })
  return `${found.path}, ${stdout.trim()}`
}

async function checkExecutor({ executor }: Assembly, settings: Settings, env: DoctorParts['env']): Promise<Found> {
  const { workspace } = settings
  const request = { command: 'echo works', cwd: workspace, timeoutSeconds: 10, maxOutput: 1000, onOutput: () => {} }
  const ran = await executor.run(request, AbortSignal.timeout(2 * ANSWER_MS))
  if (ran.stdout.trim() !== 'works') {
    return fail(`${executor.name} does not run commands: ${ran.stderr.trim() || 'no output'}`, 'See executor.kind.')
  }
  if (executor.name !== 'host') return `commands run in ${executor.name}`
  if (settings.config.executor.kind === 'host') {
    return { level: 'warn', detail: 'commands run on this machine with your rights, as executor.kind says' }
  }
  const roots = { workspace, writable: [], readable: [], secret: [] }
  const probe = await probeBubblewrap({ roots, network: false, env })
  const why = probe.works ? 'bubblewrap works by now' : probe.why
  return {
    level: 'warn',
    detail: `commands run on this machine with your rights, for bubblewrap does not start: ${why}`,
  }
}

async function checkContainers({ containers }: Assembly, { config }: Settings): Promise<Found> {
  if (containers.images.length === 0) return 'no images configured'
  const answer = await containers.engine.call('GET', '/version')
  if (!answer.ok)
    return fail(answer.message, `Start the engine of ${config.containers.socket}, or take the images out.`)
  const { Version: version } = (answer.body ?? {}) as { Version?: unknown }
  return `the engine answers, version ${String(version)}`
}

/** Whoever asks has to answer in time. */
async function withTime<Result>(work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const late = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(late)
  }
}
