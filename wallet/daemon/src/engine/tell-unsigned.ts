import type { NoticeCode } from '@waiaas/core'
import { patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { isSameButNumbers, noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'

/** `NOT_SIGNED`: whatever the others do not name, such as a node or a signer that does not respond. */
export type UnsignedCode = Extract<NoticeCode, 'ACCOUNT_HELD' | 'WAITS_BEHIND' | 'FEE_CEILING' | 'NOT_SIGNED'>

/**
 * Says of an EXECUTING row why the last attempt did not sign it, in the place of what was said of the one before.
 *
 * @param why a sentence.
 */
export async function tellUnsigned(
  context: Context,
  row: TransactionRow,
  code: UnsignedCode,
  why: string,
): Promise<void> {
  const message = messages[code](why)
  const before = readNotice(row)
  if (before?.code === code && isSameButNumbers(before.message, message)) return
  const notice = noticeFor(row, context.now(), { code, message })
  await context.write((db) => patchTransaction(db, row.id, context.now(), { notice }, 'EXECUTING'))
  context.changes.changed({ ...row, notice })
}

const messages: Readonly<Record<UnsignedCode, (why: string) => string>> = {
  ACCOUNT_HELD: (why) => why,
  WAITS_BEHIND: (why) => why,
  FEE_CEILING: (why) => `${why} Nothing is signed. It is signed when the network is cheaper.`,
  NOT_SIGNED: (why) => `It is not signed yet, and it is tried again: ${why}`,
}
