import type { Migration } from '@openpista/common'

/** People whom the owner let in by a code. Times are unix milliseconds. */
export type SendersTable = { channel: string; user: string; role: 'owner' | 'person'; created_at: number }

/** People who wrote and are not known, each with the code that was told to them. */
export type PairingRequestsTable = {
  channel: string
  user: string
  code: string
  state: 'WAITING' | 'REJECTED'
  told_at: number
  expires_at: number
}

export const sendersMigration: Migration = {
  name: 'senders',
  up: `
CREATE TABLE senders (
  channel TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (channel, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE pairing_requests (
  channel TEXT NOT NULL, user TEXT NOT NULL, code TEXT NOT NULL, state TEXT NOT NULL, told_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  PRIMARY KEY (channel, user)
) STRICT, WITHOUT ROWID;
`,
}
