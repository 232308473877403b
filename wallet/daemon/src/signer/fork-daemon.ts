import { type ChildProcess, fork } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { AppError } from '@openpista/common/app-error'
import { ensurePrivateDir } from '@openpista/common/files'

export type ForkOptions = {
  /** Holds `keystore/` (the signer's alone), `data/`, `logs/`, `run/` (the daemon's) and `config.toml`. */
  dataDir: string
  /** The daemon's main module, and its arguments. */
  daemonEntry: string
  daemonArgs: readonly string[]
  /** Folders with the program and everything it imports; the daemon may read them. */
  codeDirs: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/** Folders in the data directory that the daemon reads and writes. */
const DAEMON_FOLDERS = ['data', 'logs', 'run']
/** Code and passwords that the environment could carry into the daemon. */
const WITHHELD = ['NODE_OPTIONS', 'WAIAAS_MASTER_PASSWORD', 'WAIAAS_MASTER_PASSWORD_FILE', 'CREDENTIALS_DIRECTORY']
/** No debugger on SIGUSR1: another process of the same user could read passwords and tokens through it. */
const GUARD_FLAGS = ['--disable-sigusr1']
/**
 * A young generation of 8 MiB, half of what V8 takes by itself. With 2 MiB the daemon holds 9 MiB less, and collects for
 * an eighth of its time while it pays.
 */
const HEAP_FLAGS = ['--max-semi-space-size=8']

/**
 * Starts the daemon. It cannot read or write the keystore folder through Node, start programs, load native
 * code, start threads, or call fsync (SQLite can). A process group of its own: Ctrl-C reaches the signer
 * alone, which passes it on once.
 *
 * @throws AppError DATA_DIR_INVALID, PERMISSIONS_TOO_OPEN
 */
export function forkDaemon(options: ForkOptions): ChildProcess {
  const env = Object.fromEntries(Object.entries(options.env).filter(([name]) => !WITHHELD.includes(name)))
  return fork(options.daemonEntry, [...options.daemonArgs], {
    serialization: 'advanced',
    detached: true,
    execArgv: [...GUARD_FLAGS, ...HEAP_FLAGS, ...permissionFlags(options)],
    env: {
      ...env,
      // Compiled code of the daemon's own, in a folder that the signer takes nothing from.
      NODE_COMPILE_CACHE: join(realpathSync(options.dataDir), 'run', 'compiled'),
      MALLOC_ARENA_MAX: '2',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

function permissionFlags(options: ForkOptions): string[] {
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
