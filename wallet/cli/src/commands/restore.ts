import { existsSync } from 'node:fs'
import { restore } from '@waiaas/daemon'
import { CliError } from '../fault.ts'
import { backupPassphrase, readPassword } from '../password.ts'

export async function restoreBackup(
  dataDir: string,
  file: string,
  options: { passphraseFile?: string },
): Promise<void> {
  if (!existsSync(file)) throw new CliError(`There is no file ${file}.`)
  const { passphraseFile } = options
  const passphrase =
    passphraseFile === undefined ? await readPassword(dataDir) : backupPassphrase(passphraseFile, Buffer.alloc(0))
  await restore({ dataDir, file, passphrase })
  console.log(`Restored a wallet into ${dataDir}.`)
  console.log('Stop the wallet that was backed up before you start this one: both have the same keys.')
  console.log('Next: waiaas doctor, then waiaas start')
  console.log(
    'Nothing is signed until you have checked the accounts: waiaas account list, then waiaas account release --all',
  )
}
