import { type ErrorCode, errorSpec, networkOf } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import type { AttemptRow } from '../store/attempts.ts'
import { appendEvent } from '../store/events.ts'
import { patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { draftOf } from './admit.ts'
import { noticeFor, type Said } from './notice.ts'
import type { Context } from './parts.ts'

/** Why a payment that is out was given up. Only the daemon and people decide that; no word of a node does. */
export type Closing = {
  reason: 'cancel' | 'agent' | 'trial' | 'versions' | 'not accepted' | 'stop' | 'proven'
  /** The error of the transaction once it has ended; null for one that was cancelled. */
  code: ErrorCode | null
  message: string
}

/** Versions that are signed for one payment. */
export const MOST_VERSIONS = 8
/** A payment that no node has taken is given up after this long; what closes one goes out then even if nothing waits behind it. */
export const PATIENCE_SECONDS = 600
/** A trial that fails has to fail again after this long. */
const SECOND_TRIAL_MS = 60_000

const closings: Readonly<Record<Closing['reason'], Omit<Closing, 'reason'>>> = {
  cancel: { code: null, message: 'It was cancelled.' },
  agent: { code: 'AGENT_SUSPENDED', message: 'The agent may not spend any more.' },
  trial: { code: 'SIMULATION_FAILED', message: 'The transaction would fail now.' },
  versions: { code: 'CHAIN_ERROR', message: `${MOST_VERSIONS} versions of it were signed, and none got into a block.` },
  'not accepted': { code: 'CHAIN_ERROR', message: 'No node has taken it.' },
  proven: { code: 'CHAIN_ERROR', message: 'The operator proved that it can take effect no more.' },
  stop: { code: 'SYSTEM_LOCKED', message: 'The kill switch was turned on while it was out.' },
}

export function readClosing({ closing }: Pick<TransactionRow, 'closing'>): Closing | undefined {
  return closing === null ? undefined : (JSON.parse(closing) as Closing)
}

/**
 * Gives up a row that is out. Returns the row as it is then; `undefined` where it has ended or is closing already. A
 * person's wish to cancel takes the place of whatever it was given up for.
 */
export async function startClosing(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  reason: Closing['reason'],
  actor: string,
): Promise<TransactionRow | undefined> {
  if (!['SIGNED', 'SUBMITTED', 'CONFIRMED'].includes(row.status)) return undefined
  const before = readClosing(row)?.reason
  if (before !== undefined && (reason !== 'cancel' || before === 'cancel')) return undefined
  const now = context.now()
  const closing: Closing = { reason, ...closings[reason] }
  const notice = closingNotice({ ...row, closing: JSON.stringify(closing) }, now)
  const patch = { closing: JSON.stringify(closing), closing_since: now, notice }
  await patchTransaction(db, row.id, now, patch, row.status)
  const whose = { agentId: row.agent_id, transactionId: row.id }
  await appendEvent(db, now, { type: 'TX_CLOSING', actor, ...whose, data: { reason, hash: row.hash } })
  return { ...row, ...patch, updated_at: now }
}

/** What a row that was given up says while nothing else is to be said of it. */
export function closingNotice(
  row: Pick<TransactionRow, 'closing' | 'notice' | 'network'>,
  now: number,
  said: Pick<Said, 'nodeWords' | 'nonce'> = {},
): string {
  const { reason, message } = readClosing(row)!
  const hasNonces = networkOf(row.network).chainId !== undefined
  if (reason === 'cancel') {
    const ways = hasNonces
      ? 'Either it or what takes its place is made.'
      : 'Nothing more is sent; what was sent can still be made.'
    return noticeFor(row, now, { code: 'CANCELLING', message: `It is being cancelled. ${ways}`, ...said })
  }
  const later =
    ' What ends it is sent within ten minutes, or once a later payment needs it; waiaas tx cancel sends it now.'
  return noticeFor(row, now, { code: 'CLOSING', message: hasNonces ? `${message}${later}` : message, ...said })
}

/** Reasons to give up payments that are out, found while they are looked after. */
export type Trials = {
  /** The reason to give up this one, if there is one now. */
  reasonToClose: (
    adapter: ChainAdapter,
    row: TransactionRow,
    versions: readonly AttemptRow[],
  ) => Promise<Closing['reason'] | undefined>
}

export function createTrials(context: Context): Trials {
  const trials = new Map<string, { at: number; failedAt: number | undefined; patientSince: number | null }>()

  /** Whether the payment fails on the newest state, and did so a while ago. */
  const failsTwice = async (row: TransactionRow): Promise<boolean> => {
    const now = context.timers.monotonic()
    const known = trials.get(row.id)
    // Somebody continued it meanwhile: that takes two trials of its own.
    const last = known?.patientSince === row.closing_since ? known : undefined
    if (last !== undefined && now - last.at < SECOND_TRIAL_MS) return false
    const drafted = await draftOf(context, row)
    const failed = !drafted.ok && errorSpec(drafted.code).retryable !== true
    if (failed && last?.failedAt !== undefined) return true
    trials.set(row.id, { at: now, failedAt: failed ? now : undefined, patientSince: row.closing_since })
    return false
  }
  return {
    reasonToClose: async (adapter, row, versions) => {
      if (row.origin === 'daemon') return undefined
      if (!context.lock.mayLeave(row.agent_id, row.origin === 'session') && !context.lock.locked()) return 'agent'
      if (adapter.replacement === undefined) return undefined
      if (row.outcome_unknown === 0) {
        trials.delete(row.id)
        return undefined
      }
      if (versions.length >= MOST_VERSIONS) return 'versions'
      const patientSince = Math.max(versions[0]!.created_at, row.closing_since ?? 0)
      if (patientSince <= context.clock.ago(PATIENCE_SECONDS)) return 'not accepted'
      return (await failsTwice(row)) ? 'trial' : undefined
    },
  }
}
