import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { exportAudit, verifyAudit } from '@waiaas/daemon'
import { CliError } from '../fault.ts'

export async function verify(dataDir: string, file: string | undefined): Promise<void> {
  if (file !== undefined && !existsSync(file)) throw new CliError(`There is no file ${file}.`)
  const check = await verifyAudit(dataDir, file)
  if (!check.ok) {
    throw new CliError(`The audit log is not what was written. ${check.why}`, {
      hint: 'Entries before it are intact. Compare with an earlier export.',
    })
  }
  console.log(
    `The audit log is intact: ${check.entries} entries, ${check.checkpoints} signed checkpoints, last hash ${check.lastHash}.`,
  )
}

export async function exportLog(dataDir: string): Promise<void> {
  for await (const entry of exportAudit(dataDir)) {
    if (!process.stdout.write(`${JSON.stringify(entry)}\n`)) await once(process.stdout, 'drain')
  }
}
