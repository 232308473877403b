import type { ErrorCode } from '@waiaas/core'
import { release } from '../store/ledger.ts'
import { move, type TransactionRow } from '../store/transactions.ts'
import type { Context } from './parts.ts'

/** Ends a row none of whose signatures can take effect; everything it reserved is free again. */
export async function failIn(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  code: ErrorCode,
  message: string,
): Promise<TransactionRow | undefined> {
  const moved = await move(
    db,
    { id: row.id, from: row.status, to: 'FAILED', at: context.now() },
    { error_code: code, error_message: message, outcome_unknown: 0, notice: null },
    { type: 'TX_FAILED', actor: 'daemon', data: { code, message } },
  )
  if (moved !== undefined) await release(db, row.id)
  return moved
}
