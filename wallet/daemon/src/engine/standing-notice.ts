import type { TransactionRow } from '../store/transactions.ts'
import { closingNotice } from './closing.ts'
import { noticeFor, type Said } from './notice.ts'

const NOT_ACCEPTED = 'It was handed over, and no node has said that it took it. The same bytes are sent again.'

/**
 * What a row that is out says while nothing in particular keeps it from its end: that it was given up, or else that no
 * node has taken it; null where a node has, and it is wanted.
 */
export function standingNotice(
  row: Pick<TransactionRow, 'closing' | 'outcome_unknown' | 'notice' | 'network'>,
  now: number,
  said: Pick<Said, 'nodeWords' | 'nonce'> = {},
): string | null {
  if (row.closing !== null) return closingNotice(row, now, said)
  if (row.outcome_unknown === 0) return null
  return noticeFor(row, now, { code: 'NOT_ACCEPTED', message: NOT_ACCEPTED, ...said })
}
