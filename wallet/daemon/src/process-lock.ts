import { existsSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

export type ProcessLock = { release: () => void }

/**
 * Takes the lock that at most one living process has. The operating system gives it back when the process
 * ends in whatever way, so that a crash leaves nothing stale. SQLite's file lock is what Node has on every
 * platform.
 *
 * @param waitMillis how long to wait for a holder that is on its way out.
 * @returns `undefined` when another process has it.
 */
export async function takeProcessLock(path: string, waitMillis: number): Promise<ProcessLock | undefined> {
  const end = Date.now() + waitMillis
  for (;;) {
    const lock = tryLock(path)
    if (lock !== undefined || Date.now() >= end) return lock
    await sleep(20)
  }
}

const SQLITE_BUSY = 5

function tryLock(path: string): ProcessLock | undefined {
  if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600 })
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    file.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => file.close() }
  } catch (error) {
    file.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
}
