import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

/** Where a keystore under another password is built, and where the one it replaces goes. */
export const nextFolder = (folder: string) => `${folder}.next`
export const pastFolder = (folder: string) => `${folder}.past`

/**
 * Ends a change of the master password that broke off. The next keystore is complete before the present one
 * moves away: where the present one is gone the next takes its place, where it is still there the next is
 * dropped. Only for who holds the signer's lock.
 */
export function settleKeystore(folder: string): void {
  const [next, past] = [nextFolder(folder), pastFolder(folder)]
  if (!existsSync(folder) && existsSync(next)) {
    renameSync(next, folder)
    syncFolder(dirname(folder))
  }
  for (const rest of [next, past]) rmSync(rest, { recursive: true, force: true })
}

/** True where a keystore is, also one whose change of password broke off. */
export function keystoreExists(folder: string): boolean {
  return existsSync(folder) || existsSync(nextFolder(folder))
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
