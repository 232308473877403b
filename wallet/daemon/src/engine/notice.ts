import { type Notice, type NoticeCode, networkOf } from '@waiaas/core'
import type { TransactionRow } from '../store/transactions.ts'

const waitsFor: Readonly<Record<NoticeCode, string>> = {
  NOT_ACCEPTED: 'a node that takes it',
  NOT_MINED: 'a block that takes it',
  CANCELLING: 'the block that decides between the payment and its cancellation',
  CLOSING: 'the proof that the payment can take effect no more',
  FEE_CEILING: 'a cheaper network, or its cancellation',
  CLOSER_NEEDS_FUNDS: 'coins for the fee',
  FINALITY_UNAVAILABLE: 'a node that tells which block is final',
  HISTORY_UNAVAILABLE: 'a node that has the blocks; see waiaas tx prove',
  RECEIPT_UNAVAILABLE: 'a node that has the receipt; see waiaas tx prove',
  ACCOUNT_HELD: 'the operator; see waiaas account list',
  WAITS_BEHIND: 'an earlier transaction of the account',
  NOT_SIGNED: 'the next attempt; see waiaas doctor',
  WRITTEN_OFF: 'nothing; should a proof turn up that says otherwise, the books are put right',
  FOUND_PAID: 'the operator; see waiaas account list',
}

/** How long that usually takes, where it is not what the network needs until a block is final. */
const usually: Readonly<Partial<Record<NoticeCode, string>>> = {
  NOT_ACCEPTED: 'seconds; after ten minutes it is given up',
  NOT_MINED: 'a few blocks; longer where the node that took it has lost it, or has told no other node',
  FEE_CEILING: 'as long as the network is dear',
  CLOSER_NEEDS_FUNDS: 'until the account has the coins',
  FINALITY_UNAVAILABLE: 'until a node answers',
  HISTORY_UNAVAILABLE: 'until a node answers',
  RECEIPT_UNAVAILABLE: 'until a node answers',
  ACCOUNT_HELD: 'until it is released',
  NOT_SIGNED: 'seconds; until the nodes and the signer respond',
  WRITTEN_OFF: 'for ever',
  FOUND_PAID: 'until it is released',
}

/**
 * What a notice says beside what follows from its code. `nodeWords`: what a node said last. `since`: unix seconds, where
 * it has held longer than it is said.
 */
export type Said = {
  code: NoticeCode
  message: string
  nodeWords?: string | undefined
  nonce?: string | null | undefined
  since?: number | undefined
}

/** A notice for a row that is not over yet. One with the same code keeps the time since when it holds. */
export function noticeFor(row: Pick<TransactionRow, 'notice' | 'network'>, now: number, said: Said): string {
  const before = readNotice(row)
  const notice: Notice = {
    code: said.code,
    message: said.message,
    ...(said.nodeWords === undefined ? {} : { nodeWords: said.nodeWords }),
    ...(said.nonce == null ? {} : { nonce: said.nonce }),
    since: before?.code === said.code ? before.since : (said.since ?? now),
    waitsFor: waitsFor[said.code],
    usually: usually[said.code] ?? networkOf(row.network).finalityUsually,
  }
  return JSON.stringify(notice)
}

export function readNotice({ notice }: Pick<TransactionRow, 'notice'>): Notice | undefined {
  return notice === null ? undefined : (JSON.parse(notice) as Notice)
}

/** Nodes name the block that they were asked about, which is another one at each look. */
export function isSameButNumbers(one: string, other: string): boolean {
  const bare = (message: string) => message.replaceAll(/\b(0x[0-9a-f]+|[0-9a-f]*\d[0-9a-f]*)\b/gi, '#')
  return bare(one) === bare(other)
}
