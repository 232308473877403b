import type { ChainAdapter, SentAttempt, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, currentAttempts, setAttemptState } from '../store/attempts.ts'
import { appendEvent, appendNote } from '../store/events.ts'
import { findTransaction, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { fault } from './fault.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'
import { keepSignature, signBytes } from './signature.ts'

/**
 * Signs what waits for too little a fee anew, with the same number and effects and more fee, under the fee that
 * was reserved. Either of the two can take effect, and never both. Answers whether it did.
 */
export async function raiseFee(context: Context, adapter: ChainAdapter, attempt: AttemptRow): Promise<boolean> {
  if (adapter.replacement === undefined) return false
  const row = await findTransaction(context.db, attempt.transaction_id)
  // While the first hand-over is under way, its refusal must prove that nothing of the transaction is out.
  if (row === undefined || row.max_fee === null || (attempt.purpose !== 'FILL' && row.status !== 'SUBMITTED')) {
    return false
  }
  const answer = await adapter.replacement(sentAttempt(attempt), 'itself', BigInt(row.max_fee))
  switch (answer.kind) {
    case 'signable': {
      const signed = await signBytes(context, await context.walletOf(row), answer.signable)
      if (!signed.ok) return false
      const made = await keepReplacement(context, attempt, signed.signed, { purpose: attempt.purpose, actor: 'daemon' })
      return made !== undefined && (await handOver(context, adapter, made)) !== 'refused'
    }
    case 'too dear':
      await tellOfCeiling(context, row, attempt, answer.message)
      return false
    case 'not needed':
      await takeNoticeBack(context, row, attempt)
      return false
    case 'unknown':
      context.log.warn({ network: attempt.network, hash: attempt.hash }, answer.message)
      return false
  }
}

/**
 * Cancels a payment that is out, where its chain can: something that does nothing takes its number. Which of the
 * two the chain takes is known when one of them is final, so the row stays SUBMITTED until then.
 *
 * @throws AppError TX_ALREADY_PROCESSED where it is too late, or the fee leaves no room; CHAIN_ERROR.
 */
export async function cancelSubmitted(context: Context, row: TransactionRow, actor: string): Promise<TransactionRow> {
  const adapter = context.adapters.get(row.network)
  if (adapter?.replacement === undefined || row.max_fee === null) throw tooLate(row, 'its network knows no cancelling')
  const open = (await attemptsOf(context.db, row.id)).filter(({ state }) => state === 'LIVE')
  const [current] = await currentAttempts(
    context.db,
    open.flatMap(({ id, purpose }) => (purpose === 'FILL' ? [] : [id])),
  )
  if (current === undefined) throw tooLate(row, 'it is in a block')
  if (current.purpose === 'CANCEL') return row
  const answer = await adapter.replacement(sentAttempt(current), 'nothing', BigInt(row.max_fee))
  if (answer.kind === 'unknown') throw fault('CHAIN_ERROR', answer.message)
  if (answer.kind === 'not needed') throw tooLate(row, 'it is in a block')
  if (answer.kind === 'too dear') throw tooLate(row, `the fee that was allowed leaves no room: ${answer.message}`)
  const signed = await signBytes(context, await context.walletOf(row), answer.signable)
  if (!signed.ok) throw fault(signed.code, signed.message)
  const made = await keepReplacement(context, current, signed.signed, { purpose: 'CANCEL', actor })
  if (made === undefined) throw tooLate(row, 'it changed meanwhile; ask again')
  if ((await handOver(context, adapter, made)) === 'refused')
    throw fault('CHAIN_ERROR', 'The node refused to cancel it.')
  return (await findTransaction(context.db, row.id)) ?? row
}

function tooLate(row: TransactionRow, why: string) {
  return fault('TX_ALREADY_PROCESSED', `The transaction is ${row.status} and cannot be cancelled: ${why}.`)
}

export function sentAttempt(attempt: AttemptRow): SentAttempt {
  return {
    raw: attempt.raw,
    hash: attempt.hash,
    sequence: attempt.sequence === null ? null : BigInt(attempt.sequence),
    validUntil: attempt.valid_until === null ? null : BigInt(attempt.valid_until),
    from: attempt.address,
  }
}

/** Stores the new version before it goes out, if the old one still is what waits; `undefined` where it is not. */
async function keepReplacement(
  context: Context,
  old: AttemptRow,
  signed: Signed,
  by: { purpose: AttemptRow['purpose']; actor: string },
): Promise<AttemptRow | undefined> {
  if (signed.sequence?.toString() !== old.sequence) throw new Error('a replacement with another number')
  const made = await context.write(async (db) => {
    const now = context.now()
    const row = await findTransaction(db, old.transaction_id)
    const [current] = await currentAttempts(db, [old.id])
    if (row === undefined || current === undefined) return undefined
    if (by.purpose !== 'FILL' && row.status !== 'SUBMITTED') return undefined
    const spends = by.purpose === 'PAYMENT'
    if (spends && (await spendingFault(db, await agentOf(db, row.agent_id), row.origin)) !== undefined) return undefined
    const { transaction_id: transactionId, network, address } = old
    const attempt = await keepSignature(db, now, {
      transactionId,
      network,
      address,
      signed,
      purpose: by.purpose,
      next: null,
      replaces: old.id,
    })
    if (spends) await patchTransaction(db, row.id, now, { hash: signed.hash, notice: null }, row.status)
    if (by.purpose === 'CANCEL') await patchTransaction(db, row.id, now, { notice: CANCELLING }, row.status)
    await appendEvent(db, now, {
      type: by.purpose === 'CANCEL' ? 'TX_CANCEL_REQUESTED' : 'TX_REPLACED',
      actor: by.actor,
      agentId: row.agent_id,
      transactionId,
      data: { hash: signed.hash, replaces: old.hash, sequence: old.sequence },
    })
    return attempt
  })
  if (made !== undefined) context.onStep('replaced', made.transaction_id)
  return made
}

const CANCELLING = 'A cancellation is out; either it or the payment takes effect.'

/** The first hand-over of a new version. Refused, it is nowhere, and the version before it stands. */
async function handOver(
  context: Context,
  adapter: ChainAdapter,
  attempt: AttemptRow,
): Promise<'accepted' | 'unknown' | 'refused'> {
  if (context.lock.locked()) {
    await forget(context, attempt, 'The kill switch is on: nothing is sent.')
    return 'refused'
  }
  context.handOvers.note(attempt.id, context.clock.millis())
  const answer = await adapter.broadcast(sentAttempt(attempt))
  context.onStep('broadcast', attempt.transaction_id)
  if (answer.kind === 'accepted') return 'accepted'
  context.log.warn({ network: attempt.network, hash: attempt.hash, answer: answer.kind }, answer.message)
  if (answer.kind === 'unknown' || context.handOvers.count(attempt.id) > 1) return 'unknown'
  await forget(context, attempt, answer.message)
  context.handOvers.forget(attempt.id)
  return 'refused'
}

async function forget(context: Context, attempt: AttemptRow, message: string): Promise<void> {
  await context.write(async (db) => {
    const now = context.now()
    await setAttemptState(db, attempt.id, 'DEAD')
    const row = await findTransaction(db, attempt.transaction_id)
    if (row === undefined || attempt.purpose === 'FILL') return
    const before = (await attemptsOf(db, row.id)).find(({ id }) => id === attempt.replaces)
    const hash = attempt.purpose === 'PAYMENT' && before !== undefined ? { hash: before.hash } : {}
    await patchTransaction(db, row.id, now, { ...hash, notice: null }, 'SUBMITTED')
    await appendNote(db, now, row, 'TX_REPLACEMENT_REFUSED', { hash: attempt.hash, message })
  })
}

/** The fee that was allowed is too little for what the network asks: the row says so, and the log does once. */
async function tellOfCeiling(context: Context, row: TransactionRow, attempt: AttemptRow, message: string) {
  context.log.warn({ network: row.network, hash: attempt.hash }, message)
  if (attempt.purpose !== 'PAYMENT' || row.notice !== null) return
  await context.write(async (db) => {
    await patchTransaction(db, row.id, context.now(), { notice: message }, 'SUBMITTED')
    await appendNote(db, context.now(), row, 'TX_FEE_CEILING_REACHED', { hash: attempt.hash, message })
  })
}

async function takeNoticeBack(context: Context, row: TransactionRow, attempt: AttemptRow): Promise<void> {
  if (attempt.purpose !== 'PAYMENT' || row.notice === null) return
  await context.write((db) => patchTransaction(db, row.id, context.now(), { notice: null }, 'SUBMITTED'))
}
