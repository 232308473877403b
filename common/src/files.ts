import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from './app-error.ts'

/** Makes `path` and its parents; the folder itself gets mode 0700. Refuses one that others can enter. */
export function ensurePrivateDir(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  assertPrivate(path, 0o700)
}

/**
 * Refuses a file or folder that group or others may use.
 *
 * @throws AppError `PERMISSIONS_TOO_OPEN`, with the command that mends it.
 */
export function assertPrivate(path: string, mode: 0o600 | 0o700): void {
  if (process.platform === 'win32') return
  const found = statSync(path).mode & 0o777
  if ((found & 0o077) !== 0) {
    throw new AppError('PERMISSIONS_TOO_OPEN', `${path} can be used by other users (mode ${found.toString(8)}).`, {
      hint: `Run: chmod ${mode.toString(8)} '${path}'`,
    })
  }
}

/**
 * Writes a file so that a reader, or a crash, sees the old content or the new, never a part.
 * Mode 0600; file and folder are synced to disk before it returns.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, typeof data === 'string' ? Buffer.from(data) : data)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
