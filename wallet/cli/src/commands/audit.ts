import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type ExportEnd, exportAudit, verifyAudit } from '@waiaas/daemon'
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
  const unseen = check.entries - check.vouched
  const rest =
    unseen === 0
      ? 'all of them'
      : `the first ${check.vouched}; whether the ${unseen} after them are complete cannot be told`
  console.log(`The signer vouches for ${rest}.`)
}

export async function exportLog(dataDir: string): Promise<void> {
  const end: ExportEnd = { entries: 0, lastHash: '' }
  const write = async (line: unknown) => {
    if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain')
  }
  for await (const entry of exportAudit(dataDir)) {
    await write(entry)
    end.entries += 1
    end.lastHash = entry.hash
  }
  await write({ end })
}
