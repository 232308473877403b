import type { NoticeCode } from '@waiaas/core'
import type { ChainAdapter, FeeWanted, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, currentAttempts } from '../store/attempts.ts'
import { appendEvent, appendNote } from '../store/events.ts'
import { findTransaction, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { broadcast, sentAttempt } from './broadcast.ts'
import { MOST_VERSIONS } from './closing.ts'
import { submitted } from './execute.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Lanes } from './lanes.ts'
import { noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { keepSignature, signBytes } from './signature.ts'

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
  if (by === 'itself' && versions.length >= MOST_VERSIONS) return false
  const wants = wantsOf(context, newest)
  const sent = versions.map(sentAttempt)
  const answer = await adapter.replacement({ versions: sent, by, maxFee: BigInt(row.max_fee), ...(wants && { wants }) })
  switch (answer.kind) {
    case 'signable': {
      const signed = await signBytes(context, await context.walletOf(row), answer.signable)
      if (!signed.ok) return false
      const made = await keepVersion(context, adapter, newest, signed.signed, by)
      if (made === undefined) return false
      lanes.of(made.network, made.address).costs(BigInt(made.sequence!), BigInt(made.cost!))
      await offer(context, lanes, adapter, row, made)
      return true
    }
    case 'too dear': {
      const code = answer.of === 'coins' && by === 'nothing' ? 'CLOSER_NEEDS_FUNDS' : 'FEE_CEILING'
      await tellOfCeiling(context, row, newest, code, answer.message)
      return false
    }
    case 'not needed':
      return false
    case 'unknown':
      context.log.warn({ network: row.network, hash: newest.hash }, answer.message)
      return false
  }
}

function wantsOf(context: Context, attempt: AttemptRow): FeeWanted | undefined {
  const last = context.handOvers.last(attempt.id)
  return last?.accepted === false ? last.wants : undefined
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
    if (row.notice !== null) await tellWords(context, row, answer.message)
    return false
  }
  if (attempt.sequence !== null) lanes.of(attempt.network, attempt.address).accepted(BigInt(attempt.sequence))
  if (row.status === 'SIGNED' || row.outcome_unknown === 1) {
    const moved = await submitted(context, row, attempt, undefined)
    if (moved !== undefined) context.changes.changed(moved)
  }
  return true
}

async function tellWords(context: Context, row: TransactionRow, words: string): Promise<void> {
  const notice = readNotice(row)
  if (notice === undefined || notice.nodeWords === words) return
  const changed = JSON.stringify({ ...notice, nodeWords: words })
  await context.write((db) => patchTransaction(db, row.id, context.now(), { notice: changed }, 'SUBMITTED'))
}

/** Stores a new version before it goes out, if the newest one still is what waits; `undefined` where it is not. */
async function keepVersion(
  context: Context,
  adapter: ChainAdapter,
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
    if (by === 'itself' && (await spendingFault(db, await agentOf(db, row.agent_id), row.origin)) !== undefined)
      return undefined
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
        cost: adapter.cost!(signed.raw),
        purpose,
        next: null,
        replaces: old.id,
      },
    )
    const isPayment = purpose === 'PAYMENT'
    if (isPayment) await patchTransaction(db, row.id, now, { hash: signed.hash, notice: keptNotice(row) }, row.status)
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

/** A higher fee was found: what said that there is none does not hold any more. */
function keptNotice(row: TransactionRow): string | null {
  return readNotice(row)?.code === 'FEE_CEILING' ? null : row.notice
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
  if (readNotice(row)?.code === code) return
  await context.write(async (db) => {
    const now = context.now()
    const notice = noticeFor(row, now, { code, message, nonce: sequence })
    await patchTransaction(db, row.id, now, { notice }, 'SUBMITTED')
    await appendNote(db, now, row, 'TX_FEE_CEILING_REACHED', { hash, message })
  })
}
