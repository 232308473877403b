import { existsSync } from 'node:fs'
import { dataPaths, examine, keystoreExists } from '@waiaas/daemon'
import { notInitialized } from '../daemon-state.ts'
import { CliError } from '../fault.ts'
import { backupPassphrase, readPassword } from '../password.ts'

export async function doctor(dataDir: string, options: { backup?: string; passphraseFile?: string }): Promise<void> {
  if (!keystoreExists(dataPaths(dataDir).keystore)) throw notInitialized(dataDir)
  const file = options.backup
  if (file !== undefined && !existsSync(file)) throw new CliError(`There is no file ${file}.`)
  const password = await readPassword(dataDir)
  const backup =
    file === undefined ? undefined : { file, passphrase: backupPassphrase(options.passphraseFile, password) }
  let faults = 0
  for await (const finding of examine({ dataDir, env: process.env, password, backup })) {
    console.log(`${finding.ok ? 'ok   ' : 'FAULT'} ${finding.name}: ${finding.detail}`)
    if (finding.ok) continue
    console.log(`      ${finding.todo}`)
    faults += 1
  }
  if (faults > 0) process.exitCode = 1
}
