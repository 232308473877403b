import { dataPaths, keystoreExists, setMaster, takeProcessLock } from '@waiaas/daemon'
import { notInitialized } from '../daemon-state.ts'
import { CliError } from '../fault.ts'
import { chooseNextPassword, readPassword } from '../password.ts'

/** A lock that somebody only looks at is free within this time. */
const LOCK_MILLIS = 500

export async function changeMaster(dataDir: string, options: { newPasswordFile?: string }): Promise<void> {
  const { keystore, signerLock } = dataPaths(dataDir)
  if (!keystoreExists(keystore)) throw notInitialized(dataDir)
  const lock = await takeProcessLock(signerLock, LOCK_MILLIS)
  if (lock === undefined) {
    throw new CliError('The daemon is running.', { hint: 'Stop it first: waiaas stop' })
  }
  try {
    const oldPassword = await readPassword(dataDir)
    const newPassword = await chooseNextPassword(options.newPasswordFile)
    await setMaster({ dataDir, oldPassword, newPassword })
  } finally {
    lock.release()
  }
  console.log('The master password is changed. The old one only opens backups that were made with it.')
  console.log('Next: waiaas backup')
}
