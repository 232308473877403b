import type { Notice, TransactionStatus, TransactionView } from '@waiaas/core'
import { grouped } from './text.ts'

/**
 * State of a transaction, as far as the daemon sent it: an absent member is unknown, except where `isComplete`.
 */
export type Progress = {
  status: TransactionStatus
  /** False where the daemon sent little more than the status. */
  isComplete: boolean
  /** The bytes are with the network, and no node has accepted them. */
  outcomeUnknown: boolean
  /** Given up, and may still be paid. */
  closing: boolean
  /** The caller asked for a signature and broadcasts the transaction itself. */
  isSignOnly: boolean
  hash?: string
  /** The network fee that was paid. */
  fee?: { isZero: boolean; text: string }
  error?: string
  notice?: Notice
  /** Of a queued transaction: when its delay ends, in unix seconds; or whether it waits for the owner. */
  executesAt?: number
  needsOwner?: boolean
}

/** Members of a transaction view, or of the details of an error; the fee may come in human units, too. */
type Sent = Partial<TransactionView> & { humanFee?: string; feeSymbol?: string }

/** Returns `undefined` where no status was sent. */
export function readProgress(body: unknown): Progress | undefined {
  const sent = (body ?? {}) as Sent
  const { status, outcomeUnknown, closing, hash, error, notice, executesAt } = sent
  if (typeof status !== 'string') return undefined
  const fee = readFee(sent)
  return {
    status,
    isComplete: typeof outcomeUnknown === 'boolean' && typeof closing === 'boolean',
    outcomeUnknown: outcomeUnknown === true,
    closing: closing === true,
    isSignOnly: sent.type === 'SIGN',
    needsOwner: sent.approval !== undefined,
    ...(typeof hash === 'string' ? { hash } : {}),
    ...(fee === undefined ? {} : { fee }),
    ...(typeof error?.message === 'string' ? { error: error.message } : {}),
    ...(isNotice(notice) ? { notice } : {}),
    ...(typeof executesAt === 'number' ? { executesAt } : {}),
  }
}

function isNotice(value: Partial<Notice> | undefined): value is Notice {
  const { code, message, waitsFor, usually, since } = value ?? {}
  return [code, message, waitsFor, usually].every((each) => typeof each === 'string') && typeof since === 'number'
}

function readFee({ fee, humanFee, feeSymbol }: Sent): Progress['fee'] {
  if (typeof fee !== 'string') return undefined
  const isHuman = humanFee !== undefined && feeSymbol !== undefined
  return { isZero: fee === '0', text: isHuman ? `${humanFee} ${feeSymbol}` : `${grouped(fee)} base units` }
}
