import { DatabaseSync } from 'node:sqlite'
import type { DerivedKey } from './signer/signer.ts'

/** Compares the wallets that a database names with the keys that a keystore holds. */
export function compareAddresses(
  database: string,
  keys: readonly DerivedKey[],
): { wallets: string[]; faults: string[] } {
  const connection = new DatabaseSync(database, { readOnly: true, timeout: 5_000 })
  try {
    const rows = connection.prepare('SELECT chain, address, public_key, key_id FROM wallets ORDER BY id').all()
    const faults = rows.flatMap((row) => {
      const key = keys.find(({ keyId }) => keyId === row.key_id)
      if (key === undefined) return [`The keystore has no key for ${row.address}.`]
      const same = key.chain === row.chain && key.address === row.address && key.publicKey === row.public_key
      return same ? [] : [`The key of ${row.address} belongs to ${key.address}.`]
    })
    return { wallets: rows.map((row) => String(row.address)), faults }
  } finally {
    connection.close()
  }
}
