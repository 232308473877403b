import type { Notice } from '@waiaas/core'
import type { OwnerAction } from './api.ts'
import type { Progress } from './progress.ts'
import { timeOfDay } from './text.ts'

/** `busy`: goes on by itself. `wait`: nothing to worry about, but no end in sight. `warn`: not as it should be. */
export type Look = 'good' | 'bad' | 'busy' | 'wait' | 'warn' | 'calm'
export type OutcomeWords = { title: string; paragraphs: readonly string[]; look: Look; hashLabel?: string }

/** What is certain of a transaction, in the words of a person who did not build it. */
export function outcomeWords(progress: Progress, action: OwnerAction | undefined): OutcomeWords {
  if (progress.notice?.code === 'FOUND_PAID') return FOUND_PAID
  switch (progress.status) {
    case 'PENDING':
      return words('busy', 'Being checked', 'The wallet has not decided about this payment yet. Nothing was paid.')
    case 'QUEUED':
      return queued(progress)
    case 'EXECUTING':
      return allowed(progress)
    case 'SIGNED':
      return signed(progress)
    case 'SUBMITTED':
      return sent(progress)
    case 'CONFIRMED':
      return confirmed(progress)
    case 'FAILED':
      return failed(progress)
    case 'CANCELLED':
      return cancelled(progress, action)
    case 'EXPIRED':
      return words(
        'calm',
        'The time to decide is over',
        'Nobody approved in time, so nothing was paid. If you still want the payment, ask for it again.',
      )
    default:
      return words(
        'warn',
        'Not known',
        `The wallet calls it ${progress.status}, which this page does not know. Reload the page.`,
      )
  }
}

const words = (look: Look, title: string, ...paragraphs: (string | undefined)[]): OutcomeWords => ({
  look,
  title,
  paragraphs: paragraphs.filter((each) => each !== undefined),
})

const FOUND_PAID = words(
  'warn',
  'Paid after all',
  'This payment was recorded as not paid, but the network did make it: the money has left the account. Do not pay it again.',
)

function queued({ executesAt, needsOwner }: Progress): OutcomeWords {
  if (needsOwner === true) return words('wait', 'Waiting', 'It waits for its owner to decide. Nothing was paid.')
  if (executesAt === undefined)
    return words('wait', 'Waiting', 'It waits for its owner, or for a delay to pass. Nothing was paid.')
  return words(
    'wait',
    'Waiting',
    `It needs no approval: it is paid after ${timeOfDay(executesAt)}, if the rules of the wallet still allow it then.`,
    'Until then the agent or the operator of this wallet can cancel it. Nothing was paid yet.',
  )
}

function allowed({ notice, isComplete }: Progress): OutcomeWords {
  switch (notice?.code) {
    case undefined:
      return isComplete
        ? words('busy', 'On its way', 'The payment is allowed, and the wallet signs it next. Nothing was paid yet.')
        : words('busy', 'Not paid yet', 'The payment is allowed and not signed yet.')
    case 'ACCOUNT_HELD':
      return words(
        'warn',
        'On hold',
        'The payment is allowed, but nothing is signed for the account that pays until the operator of this wallet has checked it.',
        'Nothing was paid yet.',
      )
    case 'WAITS_BEHIND':
      return words(
        'wait',
        'Waiting its turn',
        'The payment is allowed, but an earlier one of the same account has to go first. Nothing was paid yet.',
      )
    default:
      return words('wait', 'Not paid yet', 'The payment is allowed and not signed yet.', reasons[notice!.code])
  }
}

function signed(progress: Progress): OutcomeWords {
  if (isGivenUp(progress)) return givenUp(progress, 'signed')
  if (progress.isSignOnly)
    return words(
      'wait',
      'Signed',
      'The program that asked for the signature sends it to the network, or does not.',
      'The wallet has not seen it on the network so far.',
    )
  if (!progress.isComplete)
    return words('busy', 'Signed', 'The payment is signed. The wallet has not seen it on the network so far.')
  return words('busy', 'On its way', 'The payment is signed and is sent to the network next.', reasonOf(progress))
}

function sent(progress: Progress): OutcomeWords {
  const { notice, outcomeUnknown, isComplete } = progress
  if (isGivenUp(progress)) return givenUp(progress, 'sent')
  if (outcomeUnknown) {
    const reason = notice?.code === 'NOT_ACCEPTED' ? undefined : reasonOf(progress)
    return words(
      'warn',
      'Not known yet',
      `The wallet has sent the payment, but ${SERVERS} has said that it took it. It may be paid, or not.`,
      reason,
      'The wallet watches for it, and it is paid once at most. Do not ask for it again: that would be a second payment.',
    )
  }
  if (!isComplete)
    return words(
      'busy',
      'Not confirmed yet',
      'The payment was handed to the network, which has not confirmed it yet. It may be paid, or not.',
    )
  if (notice === undefined)
    return words('busy', 'On its way', 'The network has the payment and has not confirmed it yet.')
  const isSure = notice.code !== 'RECEIPT_UNAVAILABLE' && notice.code !== 'NOT_MINED'
  return words(
    'warn',
    'Not confirmed yet',
    isSure ? 'The network has the payment and has not confirmed it yet.' : undefined,
    reasonOf(progress),
  )
}

const SERVERS = 'none of the servers that connect it to the network'

/** What a notice adds to where the payment stands. */
const reasons: Readonly<Partial<Record<Notice['code'], string>>> = {
  NOT_ACCEPTED: `So far ${SERVERS} has said that it took it.`,
  NOT_MINED:
    'A server that connects the wallet to the network has said that it has the payment, and the network has not confirmed it for longer than usual. It may be paid, or not. Do not ask for it again: that would be a second payment.',
  FEE_CEILING: 'The network asks for a higher fee than can be paid for it now.',
  CLOSER_NEEDS_FUNDS:
    'Ending it costs a network fee, and the account that pays has too little for it. Send some of the coin that fees are paid in to that account.',
  FINALITY_UNAVAILABLE: 'Nobody tells the wallet at the moment what the network has settled for good.',
  HISTORY_UNAVAILABLE: 'Nobody shows the wallet at the moment the records that tell what became of it.',
  RECEIPT_UNAVAILABLE:
    'The network has recorded the payment, but nobody tells the wallet at the moment whether it worked. It may be paid, or not.',
  ACCOUNT_HELD: 'Nothing is signed for the account that pays until the operator of this wallet has checked it.',
  NOT_SIGNED: 'The wallet cannot sign it at the moment, and tries again every few seconds. Nothing was paid yet.',
  WAITS_BEHIND: 'An earlier payment of the same account has to go first.',
}

const reasonOf = ({ notice }: Progress) => (notice === undefined ? undefined : reasons[notice.code])

function isGivenUp({ closing, notice }: Progress): boolean {
  return closing || notice?.code === 'CANCELLING' || notice?.code === 'CLOSING'
}

function givenUp(progress: Progress, after: 'signed' | 'sent'): OutcomeWords {
  const end = 'The network decides which: it is paid, or it ends unpaid for good. Do not ask for it again before that.'
  if (progress.notice?.code === 'CANCELLING')
    return words('warn', 'Being cancelled', `It was cancelled after it was ${after}, so it may still be paid.`, end)
  return words(
    'warn',
    'Given up, not over yet',
    `It was given up after it was ${after}, and may still be paid.`,
    progress.notice?.code === 'FEE_CEILING' ? DEAR_END : reasonOf(progress),
    end,
  )
}

const DEAR_END =
  'Ending it now costs a higher fee than was allowed for the payment. The operator of this wallet can allow a higher one.'

function confirmed({ notice, isComplete }: Progress): OutcomeWords {
  if (notice?.code === 'WRITTEN_OFF')
    return words(
      'warn',
      'Recorded as paid',
      'The operator of this wallet ended this payment by hand and recorded it as paid. The network has not shown that it was.',
    )
  return isComplete
    ? words('good', 'Paid', 'The network has confirmed the payment.')
    : words('good', 'Recorded as paid', 'The wallet has recorded this payment as paid.')
}

function failed({ notice, isComplete, fee }: Progress): OutcomeWords {
  if (notice?.code === 'WRITTEN_OFF')
    return words(
      'warn',
      'Recorded as not paid',
      'The operator of this wallet ended this payment by hand and recorded it as not paid. The network has not shown that: it may be paid all the same.',
      'Should the wallet find it paid, this page says so.',
    )
  if (!isComplete) return words('bad', 'Recorded as failed', 'The wallet has recorded this payment as not paid.')
  const cost = fee === undefined || fee.isZero ? 'Nothing was paid, and no fee.' : feeOnly(fee.text)
  return words('bad', 'Failed', 'The payment did not take effect.', cost)
}

function cancelled({ isComplete, fee, hash }: Progress, action: OwnerAction | undefined): OutcomeWords {
  const title = 'Not paid'
  if (fee !== undefined && !fee.isZero)
    return {
      ...words(
        'calm',
        title,
        'The payment was cancelled after it was sent. On the network a transaction that pays nobody took its place, so it can no longer be paid.',
        feeOnly(fee.text),
      ),
      hashLabel: 'Cancellation',
    }
  if (fee !== undefined)
    return {
      ...words(
        'calm',
        title,
        'The payment was cancelled after it was sent, and can no longer be paid. It cost no fee.',
      ),
      hashLabel: 'Cancelled transaction',
    }
  if (!isComplete && hash !== undefined)
    return words(
      'calm',
      title,
      'The payment was cancelled after it was sent. The amount was not paid; there may have been a network fee.',
    )
  return words('calm', title, action === 'reject' ? undefined : 'It was rejected or cancelled.', 'Nothing was paid.')
}

function feeOnly(fee: string): string {
  return `The network fee was ${fee}; the amount itself was not paid.`
}
