import { statSync } from 'node:fs'
import { AppError } from '@openpista/common/app-error'
import { assertPrivate } from '@openpista/common/files'

/**
 * Refuses a data directory that others may enter, or that belongs to another user, who could exchange what is in it.
 *
 * @throws AppError PERMISSIONS_TOO_OPEN, FOREIGN_OWNER, each with the command that changes it.
 */
export function assertOwnFolder(path: string): void {
  const own = process.getuid?.()
  if (own !== undefined && statSync(path).uid !== own) {
    throw new AppError('FOREIGN_OWNER', `${path} belongs to another user (${statSync(path).uid}).`, {
      hint: `Start the wallet as that user, or run: chown -R ${own} '${path}'`,
    })
  }
  assertPrivate(path, 0o700)
}
