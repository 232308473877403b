import type { NoticeCode } from '@waiaas/core'
import type { ChainAdapter, FeeWanted, Replacement, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, currentAttempts } from '../store/attempts.ts'
import { appendEvent, appendNote } from '../store/events.ts'
import { findTransaction, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { broadcast, sentAttempt } from './broadcast.ts'
import { MOST_VERSIONS } from './closing.ts'
import { submitted } from './execute.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Lanes } from './lanes.ts'
import { isSameButNumbers, noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { keepSignature, signBytes } from './signature.ts'
import { standingNotice } from './standing-notice.ts'

/** Signed bytes of one row under one number, the oldest first. At most one of them takes effect. */
export type Versions = readonly AttemptRow[]

/**
 * Signs another version of a row: the same effects for a higher fee, or nothing, which ends the row when it is in a
 * block. It is stored, and then handed over. Returns whether it was made.
 */
export async function signVersion(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  row: TransactionRow,
  versions: Versions,
  by: 'itself' | 'nothing',
): Promise<boolean> {
  const newest = versions.at(-1)
  if (adapter.replacement === undefined || row.max_fee === null || newest === undefined) return false
  // What the daemon signs itself does nothing, and only its own fee bounds it, as for what ends a payment.
  if (by === 'itself' && row.origin !== 'daemon' && versions.length >= MOST_VERSIONS) return false
  const wants = wantsOf(context, newest, by)
  const sent = versions.map(sentAttempt)
  const answer = await adapter.replacement({ versions: sent, by, maxFee: BigInt(row.max_fee), ...(wants && { wants }) })
  switch (answer.kind) {
    case 'signable': {
      const signed = await signBytes(context, await context.walletOf(row), answer.signable)
      if (!signed.ok) return false
      const made = await keepVersion(context, newest, signed.signed, by)
      if (made === undefined) return false
      lanes.of(made.network, made.address).costs(BigInt(made.sequence!), BigInt(made.cost!))
      await offer(context, lanes, adapter, row, made)
      return true
    }
    case 'too dear': {
      const code = answer.of === 'coins' && by === 'nothing' ? 'CLOSER_NEEDS_FUNDS' : 'FEE_CEILING'
      await tellOfCeiling(context, row, newest, code, tooDear(row, by, answer))
      return false
    }
    case 'not needed':
      await tellNoCeiling(context, row)
      return false
    case 'unknown':
      context.log.warn({ network: row.network, hash: newest.hash }, answer.message)
      return false
  }
}

/** Where nodes refuse what ends a row, it offers more, whatever they say; not where none of them was reached. */
function wantsOf(context: Context, attempt: AttemptRow, by: 'itself' | 'nothing'): FeeWanted | undefined {
  const last = context.handOvers.last(attempt.id)
  if (last?.accepted !== false || last.unheard) return undefined
  return by === 'nothing' ? { ...last.wants, more: true } : last.wants
}

function tooDear(
  { id, max_fee }: TransactionRow,
  by: 'itself' | 'nothing',
  { of, lacks, message }: Extract<Replacement, { kind: 'too dear' }>,
): string {
  if (of === 'coins') return message
  if (by === 'itself') return `${message} It goes through when the network is cheaper.`
  return `${message} To allow it: waiaas tx cancel ${id} --max-fee ${BigInt(max_fee!) + lacks}`
}

/** What was said of a ceiling does not hold any more. */
async function tellNoCeiling(context: Context, row: TransactionRow): Promise<void> {
  if (keptNotice(row, context.now(), CEILINGS) === row.notice) return
  await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    if (current === undefined) return
    const notice = keptNotice(current, context.now(), CEILINGS)
    await patchTransaction(db, row.id, context.now(), { notice }, 'SUBMITTED')
  })
}

/** Hands one version over once more, and notes where a node has it now. Returns whether one took it. */
export async function offer(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  row: TransactionRow,
  attempt: AttemptRow,
): Promise<boolean> {
  const { answer } = await broadcast(context, adapter, attempt, row)
  context.onStep('broadcast', row.id)
  if (answer.kind !== 'accepted') {
    await tellWords(context, row, answer.message)
    return false
  }
  if (attempt.sequence !== null) lanes.of(attempt.network, attempt.address).accepted(BigInt(attempt.sequence))
  if (row.status === 'SIGNED' || row.outcome_unknown === 1) {
    const moved = await submitted(context, row, attempt, undefined)
    if (moved !== undefined) context.changes.changed(moved)
  }
  return true
}

/** Adds what a node said to what the row says, unless that has changed while the node was asked. */
async function tellWords(context: Context, row: TransactionRow, words: string): Promise<void> {
  const code = readNotice(row)?.code
  if (code === undefined || readNotice(row)?.nodeWords === words) return
  await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    const notice = current === undefined ? undefined : readNotice(current)
    if (notice?.code !== code) return
    const changed = JSON.stringify({ ...notice, nodeWords: words })
    await patchTransaction(db, row.id, context.now(), { notice: changed }, 'SUBMITTED')
  })
}

/** Stores a new version before it goes out, if the newest one still is what waits; `undefined` where it is not. */
async function keepVersion(
  context: Context,
  old: AttemptRow,
  signed: Signed,
  by: 'itself' | 'nothing',
): Promise<AttemptRow | undefined> {
  if (signed.sequence?.toString() !== old.sequence) throw new Error('a version with another number')
  const made = await context.write(async (db) => {
    const now = context.now()
    const row = await findTransaction(db, old.transaction_id)
    const [current] = await currentAttempts(db, [old.id])
    if (row?.status !== 'SUBMITTED' || current === undefined) return undefined
    // What was given up meanwhile is not signed again, and what was continued is not closed.
    if ((row.closing === null) !== (by === 'itself') && row.origin !== 'daemon') return undefined
    if (by === 'itself' && spendingFault(await agentOf(db, row.agent_id), row.origin) !== undefined) return undefined
    if ((await attemptsOf(db, row.id)).some(({ hash }) => hash === signed.hash)) return undefined
    const { transaction_id: transactionId, network, address } = old
    const purpose = by === 'itself' ? old.purpose : 'CANCEL'
    const attempt = await keepSignature(
      db,
      { id: context.newId(), now },
      {
        transactionId,
        network,
        address,
        signed,
        purpose,
        next: null,
        replaces: old.id,
      },
    )
    const isPayment = purpose === 'PAYMENT'
    const notice = keptNotice(row, now, [...CEILINGS, 'NOT_MINED'])
    await patchTransaction(db, row.id, now, isPayment ? { hash: signed.hash, notice } : { notice }, row.status)
    await appendEvent(db, now, {
      type: isPayment ? 'TX_REPLACED' : 'TX_CLOSER_SIGNED',
      actor: 'daemon',
      agentId: row.agent_id,
      transactionId,
      data: { hash: signed.hash, replaces: old.hash, sequence: old.sequence },
    })
    return attempt
  })
  if (made !== undefined) context.onStep('replaced', made.transaction_id)
  return made
}

const CEILINGS: readonly NoticeCode[] = ['FEE_CEILING', 'CLOSER_NEEDS_FUNDS']

/** What a row says when notices with these codes do not hold any more. */
function keptNotice(row: TransactionRow, now: number, over: readonly NoticeCode[]): string | null {
  const code = readNotice(row)?.code
  return code !== undefined && over.includes(code) ? standingNotice(row, now) : row.notice
}

/** What was allowed is too little for what the network asks: the row says so, and the log does once. */
async function tellOfCeiling(
  context: Context,
  row: TransactionRow,
  { hash, sequence }: AttemptRow,
  code: NoticeCode,
  message: string,
): Promise<void> {
  context.log.warn({ network: row.network, hash }, message)
  const before = readNotice(row)
  if (before?.code === code && isSameButNumbers(before.message, message)) return
  await context.write(async (db) => {
    const now = context.now()
    const notice = noticeFor(row, now, { code, message, nonce: sequence })
    await patchTransaction(db, row.id, now, { notice }, 'SUBMITTED')
    if (before?.code !== code) await appendNote(db, now, row, 'TX_FEE_CEILING_REACHED', { hash, message })
  })
}
