import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { AppError, writeFileAtomic } from '@openpista/common'
import type { Settings } from '../config.ts'

/** What a running gateway says about itself on disk. */
export type GatewayState = { pid: number; url: string | null; reach: 'all' | 'web' }

/**
 * Claims the home folder for this process.
 *
 * @throws AppError `ALREADY_RUNNING`.
 */
export async function claimHome(settings: Settings): Promise<void> {
  const pid = readPid(settings)
  if (pid !== undefined && pid !== process.pid && isAlive(pid)) {
    if (isFresh(settings.pidFile) || (await runningGateway(settings)) !== undefined) {
      throw new AppError('ALREADY_RUNNING', `openpista runs already (process ${pid}).`, {
        hint: 'Stop it with: openpista stop',
      })
    }
  }
  writeFileAtomic(settings.pidFile, `${process.pid}\n`)
}

/** Gives the home folder back. */
export function releaseHome(settings: Settings): void {
  if (readPid(settings) !== process.pid) return
  rmSync(settings.stateFile, { force: true })
  rmSync(settings.socket, { force: true })
  rmSync(settings.pidFile, { force: true })
}

export function writeState(settings: Settings, state: GatewayState): void {
  writeFileSync(settings.stateFile, JSON.stringify(state), { mode: 0o600 })
}

/** A gateway that runs. `hasSocket`: `channels.cli` is on, so that programs here can speak to it. */
export type RunningGateway = GatewayState & { hasSocket: boolean }

/** The gateway that runs with this home folder, if one does: a process that answers, on its socket or on the web. */
export async function runningGateway(settings: Settings): Promise<RunningGateway | undefined> {
  const pid = readPid(settings)
  if (pid === undefined || !isAlive(pid)) return undefined
  const text = read(settings.stateFile)
  const known = text === undefined ? undefined : (JSON.parse(text) as GatewayState)
  const state: GatewayState = known?.pid === pid ? known : { pid, url: null, reach: 'all' }
  if (await answers(settings.socket)) return { ...state, hasSocket: true }
  return state.url !== null && (await answersOnWeb(state.url)) ? { ...state, hasSocket: false } : undefined
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process that has just begun does not listen yet. */
const FRESH_MS = 3_000

function isFresh(file: string): boolean {
  return Date.now() - statSync(file).mtimeMs < FRESH_MS
}

function readPid({ pidFile }: Settings): number | undefined {
  const pid = Number(read(pidFile)?.trim())
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    const end = (found: boolean) => {
      connection.destroy()
      resolve(found)
    }
    connection.once('connect', () => end(true))
    connection.once('error', () => end(false))
  })
}

const HEALTH_MS = 2_000

async function answersOnWeb(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_MS) })).ok
  } catch {
    // Nobody there, or nobody who speaks HTTP.
    return false
  }
}
