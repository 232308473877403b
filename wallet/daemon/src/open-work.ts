import { DatabaseSync } from 'node:sqlite'
import { settingKeys } from './store/settings.ts'
import { openStatuses } from './store/transactions.ts'

export type OpenWork = {
  /** Payments that are not final: waiting, or sent and not proven. */
  openTransactions: number
  /** Accounts for which nothing is signed until the operator releases them. */
  heldAccounts: number
  killSwitch: 'NORMAL' | 'ACTIVATED' | 'RECOVERING'
}

/** Counts what may need the operator. Reads only; the daemon may run meanwhile. */
export function countOpenWork(database: string): OpenWork {
  const connection = new DatabaseSync(database, { readOnly: true, timeout: 5_000 })
  try {
    const count = (from: string) => Number(connection.prepare(`SELECT count(*) AS count FROM ${from}`).get()!.count)
    const statuses = openStatuses.map((status) => `'${status}'`).join()
    const stop = connection.prepare('SELECT value FROM settings WHERE key = ?').get(settingKeys.killSwitch)
    return {
      openTransactions: count(`transactions WHERE status IN (${statuses})`),
      // A database that an older version wrote knows no held accounts until the daemon has started.
      heldAccounts:
        count("pragma_table_info('lanes') WHERE name = 'held'") === 0 ? 0 : count('lanes WHERE held IS NOT NULL'),
      killSwitch: (stop?.value ?? 'NORMAL') as OpenWork['killSwitch'],
    }
  } finally {
    connection.close()
  }
}
