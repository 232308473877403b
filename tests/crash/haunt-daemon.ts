import childProcess, { type ForkOptions } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * Loaded into `waiaas start` (NODE_OPTIONS, which the signer keeps from its child): the daemon that it forks
 * loads `die-at.ts` first, which kills it where a test wants it dead.
 */
const dieAt = new URL('../../wallet/daemon/src/engine/testing/die-at.ts', import.meta.url)
/** The daemon may read its own code alone. */
const folder = dirname(dieAt.pathname)
const mayRead = [folder, join(folder, '*')].map((path) => `--allow-fs-read=${path}`)
const fork = childProcess.fork as (entry: string, args: readonly string[], options: ForkOptions) => unknown

Object.assign(childProcess, {
  fork: (entry: string, args: readonly string[], options: ForkOptions) =>
    fork(entry, args, { ...options, execArgv: [...(options.execArgv ?? []), ...mayRead, '--import', dieAt.href] }),
})
syncBuiltinESMExports()
