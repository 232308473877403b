import { checksumAddress } from '@waiaas/core'
import { parseTransaction } from 'viem'
import type { Disk } from './disk.ts'
import type { Hex } from './evm-transaction.ts'

/** Rows as an oracle reads them: straight from the database, not through the wallet's own code. */
export type StoredAttempt = {
  id: string
  transaction_id: string
  network: string
  sequence: string | null
  hash: string
  purpose: 'PAYMENT' | 'FILL' | 'OUTSIDE' | 'CANCEL'
  state: 'LIVE' | 'INCLUDED' | 'FINAL' | 'DEAD'
  proof: string | null
  valid_until: string | null
}

export type StoredRow = {
  id: string
  network: string
  origin: 'session' | 'owner-sweep' | 'daemon'
  type: string
  request: string
  idempotency_key: string | null
  status: string
  outcome_unknown: 0 | 1
  closing: string | null
  notice: string | null
  approved_at: number | null
}

export type StoredEntry = {
  id: number
  transaction_id: string
  kind: string
  asset: string
  amount: string
  state: 'RESERVED' | 'COMMITTED' | 'RELEASED'
  at: number
}

export type Stored = {
  attempts: readonly StoredAttempt[]
  rows: ReadonlyMap<string, StoredRow>
  entries: readonly StoredEntry[]
}

export function readStored({ read }: Disk): Stored {
  const rows = read<StoredRow>(
    'SELECT id, network, origin, type, request, idempotency_key, status, outcome_unknown, closing, notice, approved_at FROM transactions ORDER BY id',
  )
  return {
    attempts: read<StoredAttempt>(
      'SELECT id, transaction_id, network, sequence, hash, purpose, state, proof, valid_until FROM attempts ORDER BY id',
    ),
    rows: new Map(rows.map((row) => [row.id, row])),
    entries: read<StoredEntry>('SELECT id, transaction_id, kind, asset, amount, state, at FROM ledger ORDER BY id'),
  }
}

/** Statuses in which nothing can happen to a row any more. */
const ENDED = ['CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED']

export function hasEnded({ status }: Pick<StoredRow, 'status'>): boolean {
  return ENDED.includes(status)
}

/** Whom a request pays; each request of a simulation has a payee of its own. */
export function payeeOf({ request, type }: Pick<StoredRow, 'request' | 'type'>): string | undefined {
  const { to, transaction } = JSON.parse(request) as { to?: string; transaction?: string }
  if (type !== 'SIGN') return to
  const payee = parseTransaction(transaction as Hex).to
  return payee ? checksumAddress(payee) : undefined
}

/** Whether the row pays somebody: a transaction that fills a gap pays its own account. */
export function paysSomebody({ type }: Pick<StoredRow, 'type'>): boolean {
  return type === 'TRANSFER' || type === 'SIGN'
}
