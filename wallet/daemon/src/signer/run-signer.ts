import { type ChildProcess, fork } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { AppError, ensurePrivateDir } from '@openpista/common'
import { type Keystore, openKeystore } from './keystore.ts'
import { channelOver } from './protocol.ts'
import { serveSigner } from './signer-host.ts'

export type RunSignerOptions = {
  /** Holds `keystore/` (the signer's alone), `data/`, `logs/`, `run/` (the daemon's) and `config.toml`. */
  dataDir: string
  /** Wiped after use. */
  password: Buffer
  /** The daemon's main module, and its arguments. */
  daemonEntry: string
  daemonArgs: readonly string[]
  /** Folders with the program and everything it imports; the daemon may read them. */
  codeDirs: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/** Folders in the data directory that the daemon reads and writes. */
const DAEMON_FOLDERS = ['data', 'logs', 'run']
/** A child that has closed the pipe is on its way out; after this it is ended. */
const EXIT_GRACE_MS = 2_000
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
/** Code and passwords that the environment could carry into the daemon. */
const WITHHELD = ['NODE_OPTIONS', 'WAIAAS_MASTER_PASSWORD', 'WAIAAS_MASTER_PASSWORD_FILE']

/**
 * Unlocks the keystore, then runs the daemon as a child of this process and signs for it.
 *
 * The child cannot read or write the keystore folder through Node, start programs, load native code, start
 * threads, or call fsync (SQLite can). When either side ends, so does the other.
 *
 * @returns the daemon's exit code; 128 + n where signal n ended it.
 * @throws AppError as `openKeystore`, before any child is started.
 */
export async function runSigner(options: RunSignerOptions): Promise<number> {
  const keystore = await openKeystore(join(options.dataDir, 'keystore'), options.password)
  // Node opens a debugger on SIGUSR1 unless somebody listens; the daemon could send that signal to its parent.
  process.on('SIGUSR1', ignore)
  try {
    return await runDaemon(options, keystore)
  } finally {
    process.off('SIGUSR1', ignore)
    keystore.close()
  }
}

async function runDaemon(options: RunSignerOptions, keystore: Keystore): Promise<number> {
  const child = forkDaemon(options)
  const end = () => child.kill('SIGKILL')
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of FORWARDED) process.on(signal, forward)
  serveSigner(keystore, channelOver(child), end)
  child.once('disconnect', () => setTimeout(end, EXIT_GRACE_MS).unref())
  try {
    return await exitOf(child)
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward)
  }
}

function ignore(): void {}

/** A process group of its own: Ctrl-C reaches the signer alone, which passes it on once. */
function forkDaemon(options: RunSignerOptions): ChildProcess {
  const env = Object.fromEntries(Object.entries(options.env).filter(([name]) => !WITHHELD.includes(name)))
  return fork(options.daemonEntry, [...options.daemonArgs], {
    serialization: 'advanced',
    detached: true,
    execArgv: permissionFlags(options),
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

function permissionFlags(options: RunSignerOptions): string[] {
  const dataDir = realpathSync(options.dataDir)
  const codeDirs = options.codeDirs.map((folder) => realpathSync(folder))
  const keystore = realpathSync(join(dataDir, 'keystore'))
  const folders = DAEMON_FOLDERS.map((name) => join(dataDir, name))
  for (const folder of folders) ensurePrivateDir(folder)
  const readable = [...codeDirs, ...folders]
  if (readable.some((folder) => !/^\.\.(\/|$)/.test(relative(folder, keystore)))) {
    throw new AppError('DATA_DIR_INVALID', `The keystore ${keystore} lies in a folder that the daemon may read.`, {
      hint: 'Move the data directory out of the folder of the program.',
    })
  }
  const flags = ['--permission', `--allow-fs-read=${join(dataDir, 'config.toml')}`]
  for (const folder of readable) flags.push(`--allow-fs-read=${folder}`, `--allow-fs-read=${join(folder, '*')}`)
  for (const folder of folders) flags.push(`--allow-fs-write=${folder}`, `--allow-fs-write=${join(folder, '*')}`)
  return flags
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}
