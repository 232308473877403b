import { existsSync, readFileSync } from 'node:fs'
import { dataPaths, keystoreExists, takeProcessLock } from '@waiaas/daemon'
import { CliError } from './fault.ts'

/** `localKey`: gives this command a share of the daemon's limits that only who may read the data directory can use. */
export type RunFile = { url: string; localKey: string; pid: number; signerPid: number; version: string }

export const NOT_RUNNING_EXIT = 3

/** True while a living process holds the data directory. Asks the lock, which no crash can leave behind. */
export async function isRunning(dataDir: string): Promise<boolean> {
  const { signerLock, keystore } = dataPaths(dataDir)
  if (!keystoreExists(keystore)) throw notInitialized(dataDir)
  if (!existsSync(signerLock)) return false
  const lock = await takeProcessLock(signerLock, 0)
  lock?.release()
  return lock === undefined
}

/** Where the running daemon listens; `undefined` while it is still starting. */
export function readRunFile(dataDir: string): RunFile | undefined {
  const { runFile } = dataPaths(dataDir)
  return existsSync(runFile) ? (JSON.parse(readFileSync(runFile, 'utf8')) as RunFile) : undefined
}

/** How clients of this command reach the running daemon. @throws CliError when there is none. */
export async function runningDaemon(dataDir: string): Promise<{ baseUrl: string; fetch: typeof fetch }> {
  const found = (await isRunning(dataDir)) ? readRunFile(dataDir) : undefined
  if (found !== undefined) {
    const own = { 'X-Waiaas-Local-Key': found.localKey }
    return {
      baseUrl: found.url,
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), ...own } }),
    }
  }
  throw new CliError('The daemon is not running.', { hint: 'Start it with: waiaas start', exitCode: NOT_RUNNING_EXIT })
}

export function notInitialized(dataDir: string): CliError {
  return new CliError(`There is no wallet in ${dataDir}.`, { hint: 'Make one with: waiaas init' })
}
