import { rmSync } from 'node:fs'
import { immediate, systemClock } from '@openpista/common'
import { openStore } from './data-dir.ts'
import { dataPaths } from './paths.ts'
import { changePassword } from './signer/change-password.ts'
import { appendEvent } from './store/events.ts'

/**
 * Seals the keystore under another master password, and notes it in the audit log: where the log cannot be
 * written, the password stays. The recovery file with the old password goes.
 *
 * @throws AppError as `changePassword`, and NOT_INITIALIZED.
 */
export async function setMaster(options: { dataDir: string; oldPassword: Buffer; newPassword: Buffer }): Promise<void> {
  const { dataDir, oldPassword, newPassword } = options
  const paths = dataPaths(dataDir)
  const store = await openStore(dataDir)
  try {
    await immediate(store.db, async (transaction) => {
      const now = systemClock.seconds()
      await appendEvent(transaction, now, { type: 'MASTER_PASSWORD_CHANGED', actor: 'admin' })
      // Who logged in with the old password may know it still.
      await transaction.updateTable('admin_tokens').set({ revoked_at: now }).where('revoked_at', 'is', null).execute()
      await changePassword({ folder: paths.keystore, oldPassword, newPassword, onStep: () => {} })
    })
  } finally {
    await store.close()
  }
  rmSync(paths.recoveryFile, { force: true })
}
