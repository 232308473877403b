import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { dataPaths, keystoreExists, type ProcessLock, runWallet, takeProcessLock } from '@waiaas/daemon'
import { notInitialized, readRunFile } from '../daemon-state.ts'
import { CliError } from '../fault.ts'
import { readPassword } from '../password.ts'

/** A lock that somebody only looks at, or that a stopping daemon gives up, is free within this time. */
const LOCK_MILLIS = 500

export async function start(dataDir: string): Promise<void> {
  // A program that started this one with a pipe wants it to end with itself.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // A listener keeps the channel open, and an open channel would keep this process after its work is done.
  process.channel?.unref()
  const paths = dataPaths(dataDir)
  if (!keystoreExists(paths.keystore) || !existsSync(dirname(paths.signerLock))) throw notInitialized(dataDir)
  const lock = await takeLock(dataDir)
  try {
    const password = await readPassword(dataDir)
    rmSync(paths.runFile, { force: true })
    writeFileSync(paths.pidFile, `${process.pid}\n`, { mode: 0o600 })
    process.exitCode = await runWallet({ dataDir, password, env: process.env })
  } finally {
    rmSync(paths.pidFile, { force: true })
    lock.release()
  }
}

async function takeLock(dataDir: string): Promise<ProcessLock> {
  const lock = await takeProcessLock(dataPaths(dataDir).signerLock, LOCK_MILLIS)
  if (lock !== undefined) return lock
  const where = readRunFile(dataDir)
  throw new CliError(`The daemon is running already${where === undefined ? '' : ` on ${where.url}`}.`, {
    hint: 'See: waiaas status. Stop it with: waiaas stop',
  })
}
