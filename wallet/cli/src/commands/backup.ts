import { resolve } from 'node:path'
import { backUp } from '@waiaas/daemon'
import { backupPassphrase, readPassword } from '../password.ts'

export async function backup(
  dataDir: string,
  file: string | undefined,
  options: { passphraseFile?: string },
): Promise<void> {
  const target = resolve(file ?? `waiaas-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.backup`)
  const password = await readPassword(dataDir)
  const passphrase = backupPassphrase(options.passphraseFile, password)
  const { addresses } = await backUp({ dataDir, file: target, password, passphrase })
  console.log(`Wrote ${target}. It opens, and holds the keys of ${addresses.length} addresses:`)
  for (const address of addresses) console.log(`  ${address}`)
  const opener = options.passphraseFile === undefined ? 'the present master password' : 'its own passphrase'
  console.log(`It opens with ${opener}; the wallet in it with the present master password.`)
}
