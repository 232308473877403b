import { openStore } from './data-dir.ts'
import { dataPaths } from './paths.ts'
import { readAuditFile } from './signer/key-file.ts'
import { type AuditCheck, verifyEventFile, verifyEvents } from './store/verify-audit.ts'

/** Checks the audit log of a data directory against what its signer vouched for. Needs no password. */
export async function checkAudit(dataDir: string): Promise<AuditCheck> {
  const store = await openStore(dataDir)
  try {
    return await verifyEvents(store.db, readAuditFile(dataPaths(dataDir).keystore))
  } finally {
    await store.close()
  }
}

/** Checks an exported log; where this data directory has a signer its checkpoints must be that one's. */
export async function checkAuditFile(dataDir: string, file: string): Promise<AuditCheck> {
  return await verifyEventFile(file, readAuditFile(dataPaths(dataDir).keystore))
}
