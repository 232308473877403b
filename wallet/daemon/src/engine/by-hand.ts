import { isFinal, networkOf } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { attemptsOf } from '../store/attempts.ts'
import { appendEvent } from '../store/events.ts'
import { commit, release, reserveAgain } from '../store/ledger.ts'
import { findTransaction, move, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { bookOutcome } from './book.ts'
import { readClosing, startClosing } from './closing.ts'
import { fault } from './fault.ts'
import { askedPlace, closeNow, type OpenPlace, placesOf } from './follow.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Lanes } from './lanes.ts'
import { noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { isOutside, readDraft, readEffects } from './stored-draft.ts'

/**
 * Gives up a payment that is out. On chains with a sequence something that does nothing takes its number: which of the
 * two the chain takes is known when one of them is final, so the row stays SUBMITTED until then. Elsewhere nothing more is
 * sent or signed for it. One in a block that may still vanish is refused, and given up if the block does.
 *
 * @throws AppError TX_ALREADY_PROCESSED.
 */
export async function cancelSubmitted(
  context: Context,
  lanes: Lanes,
  row: TransactionRow,
  actor: string,
): Promise<TransactionRow> {
  if (isOutside(row) && row.status === 'CONFIRMED') throw tooLate(row, 'it is over')
  if (isOutside(row)) throw tooLate(row, `it is not the wallet that sends it. ${CAN_BE_SENT}`)
  if (row.status === 'CONFIRMED') return await keepWish(context, row, actor)
  const given = await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    if (current === undefined || (current.status !== 'SUBMITTED' && current.status !== 'SIGNED')) return undefined
    await startClosing(context, db, current, 'cancel', actor)
    return await findTransaction(db, row.id)
  })
  if (given === undefined) throw tooLate(row, 'it changed meanwhile; read it again')
  await closeNow(context, lanes, given)
  return (await findTransaction(context.db, row.id)) ?? given
}

/** What is in a block is not cancelled; if that block vanishes, it is. */
async function keepWish(context: Context, row: TransactionRow, actor: string): Promise<never> {
  const mayVanish = (await attemptsOf(context.db, row.id)).some(({ state }) => state === 'INCLUDED')
  if (!mayVanish) throw tooLate(row, 'it is in a block for good')
  await context.write((db) => startClosing(context, db, row, 'cancel', actor))
  throw tooLate(row, 'it is in a block. If that block vanishes, it is cancelled')
}

/**
 * Takes back that a payment was given up, as long as nothing was signed that ends it. Its bytes are sent again at once,
 * and the daemon's patience with it begins anew.
 *
 * @throws AppError TX_ALREADY_PROCESSED, AGENT_SUSPENDED.
 */
export async function continueSubmitted(context: Context, id: string, actor: string): Promise<TransactionRow> {
  const row = await existing(context, id)
  const continued = await context.write(async (db) => {
    const current = await findTransaction(db, id)
    if (current?.closing == null || isFinal(current.status)) throw tooLate(row, 'it was not given up')
    const made = await attemptsOf(db, id)
    if (made.some(({ purpose }) => purpose === 'CANCEL')) throw tooLate(row, 'what ends it is out already')
    if (readClosing(current)!.reason === 'versions') throw tooLate(row, 'no more versions of it are signed')
    const refusal = spendingFault(await agentOf(db, row.agent_id), row.origin)
    if (refusal !== undefined) throw refusal
    const now = context.now()
    await patchTransaction(db, id, now, { closing: null, closing_since: now, notice: null }, current.status)
    await appendEvent(db, now, { type: 'TX_CONTINUED', actor, agentId: row.agent_id, transactionId: id })
    return (await findTransaction(db, id))!
  })
  for (const attempt of await attemptsOf(context.db, id)) context.handOvers.hurry(attempt.id)
  return continued
}

/**
 * Changes what may be paid for what ends a payment that was given up: never more than the account has, nor less than
 * what is out may cost.
 *
 * @throws AppError TX_ALREADY_PROCESSED, VALIDATION_FAILED.
 */
export async function raiseMaxFee(
  context: Context,
  lanes: Lanes,
  id: string,
  maxFee: bigint,
  actor: string,
): Promise<TransactionRow> {
  const row = await openRow(context, id)
  if (row.closing === null) throw tooLate(row, 'it was not given up; cancel it first')
  if (maxFee.toString() === row.max_fee) throw fault('VALIDATION_FAILED', `Its fee may be ${row.max_fee} already.`)
  await assertAffordable(context, row, maxFee)
  await context.write(async (db) => {
    const now = context.now()
    const current = await findTransaction(db, id)
    if (current?.status !== row.status) throw tooLate(row, 'it changed meanwhile; read it again')
    await patchTransaction(db, id, now, { max_fee: maxFee.toString() }, row.status)
    await reserveAgain(db, id, maxFee)
    const whose = { agentId: row.agent_id, transactionId: id }
    await appendEvent(db, now, { type: 'TX_FEE_RAISED', actor, ...whose, data: { maxFee: maxFee.toString() } })
  })
  await closeNow(context, lanes, { ...row, max_fee: maxFee.toString() })
  return await existing(context, id)
}

async function assertAffordable(context: Context, row: TransactionRow, maxFee: bigint): Promise<void> {
  const made = await attemptsOf(context.db, row.id)
  const spent = readEffects(row).map((effect) =>
    effect.kind === 'spend' && effect.asset.address === undefined ? effect.amount : 0n,
  )
  const value = spent.reduce((sum, amount) => sum + amount, 0n)
  const fees = made.map(({ purpose, cost }) => BigInt(cost ?? 0) - (purpose === 'PAYMENT' ? value : 0n))
  const least = fees.reduce((most, each) => (each > most ? each : most), 0n)
  if (maxFee < least) throw fault('VALIDATION_FAILED', `What is out may cost ${least} base units in fees.`)
  const asked = await context.adapters.get(row.network)?.balance(made[0]!.address)
  if (asked?.ok === true && maxFee > asked.amount)
    throw fault(
      'VALIDATION_FAILED',
      `The account has ${asked.amount} base units of coins; a fee above that cannot be paid.`,
    )
}

/** How long a proof may take; each question reads some more blocks. Shorter than clients wait. */
const PROOF_MS = 20_000
/** Before a node that had nothing new to show is asked again. */
const PAUSE_MS = 1_000

/**
 * Proves on a node that the operator names what became of a payment, and ends it if that is certain. Nothing is ever
 * signed for it again. What was written off may still be proven.
 *
 * @throws AppError CHAIN_ERROR where the node serves another network, TX_ALREADY_PROCESSED, OUTCOME_UNKNOWN with what is missing.
 */
export async function proveByHand(
  context: Context,
  id: string,
  rpcUrl: string,
  actor: string,
): Promise<TransactionRow> {
  const row = await existing(context, id)
  const open = (await attemptsOf(context.db, id)).filter(({ state }) => state === 'LIVE' || state === 'INCLUDED')
  if (open.length === 0) throw tooLate(row, 'nothing of it is open')
  const node = context.connectNode(row.network, rpcUrl)
  try {
    const connected = await node.connect()
    if (!connected.ok) throw fault('CHAIN_ERROR', connected.message)
    for (const place of placesOf(open)) await provePlace(context, node, row, place, actor)
  } finally {
    await node.close()
  }
  return await existing(context, id)
}

async function provePlace(
  context: Context,
  node: ChainAdapter,
  row: TransactionRow,
  place: OpenPlace,
  actor: string,
): Promise<void> {
  const end = context.timers.monotonic() + PROOF_MS
  let missing = 'The node shows it in no block, and not that it can be in none any more.'
  do {
    const asked = await node.outcomes([askedPlace(place)])
    if (!asked.ok) throw fault('CHAIN_ERROR', asked.message)
    const outcome = asked.outcomes[0]!
    const isProven =
      outcome.kind === 'dead' ? outcome.final : outcome.kind === 'included' && outcome.final && outcome.result
    if (isProven) {
      const changed = await context.write(async (db) => {
        const current = (await findTransaction(db, row.id)) ?? row
        const whose = { agentId: row.agent_id, transactionId: row.id }
        await appendEvent(db, context.now(), {
          type: 'TX_PROVEN_BY_HAND',
          actor,
          ...whose,
          data: { kind: outcome.kind },
        })
        const isWrittenOff = readNotice(current)?.code === 'WRITTEN_OFF'
        if (outcome.kind === 'dead' && !isWrittenOff) await startClosing(context, db, current, 'proven', actor)
        return await bookOutcome(context, db, place.versions, outcome)
      })
      for (const each of changed) context.changes.changed(each)
      return
    }
    const before = missing
    missing = outcome.missing?.message ?? missing
    const isReading = outcome.kind === 'waiting' && outcome.reading === true
    if (missing === before && !isReading)
      await new Promise<void>((resolve) => void context.timers.after(PAUSE_MS, resolve))
  } while (context.timers.monotonic() < end)
  const message = isOutside(row) && !isFinal(row.status) ? `${missing} ${CAN_BE_SENT}` : missing
  throw fault('OUTCOME_UNKNOWN', message, { transactionId: row.id })
}

/** Of a transaction that was made elsewhere: what the wallet cannot change, and what the operator can do. */
const CAN_BE_SENT =
  'Whoever has its bytes can still send it. When nobody can any more, it ends by itself; before that, the operator can write it off as paid.'

export type WriteOff = { as: 'paid' } | { as: 'unpaid'; amount: string }

/**
 * Ends a payment without a proof, on the operator's word. Its bytes are followed all the same.
 *
 * What was made elsewhere binds no nonce, so nothing waits for it: as paid it ends at any time. As unpaid it does not as
 * long as it may take effect, since whoever has its bytes could spend its amount beside the limits.
 *
 * @throws AppError VALIDATION_FAILED where the amount is another, TX_ALREADY_PROCESSED where its nonce is still free, or
 * its blockhash still lives.
 */
export async function writeOff(context: Context, id: string, how: WriteOff, actor: string): Promise<TransactionRow> {
  const row = await openRow(context, id)
  if (how.as === 'unpaid') assertAmount(row, how.amount)
  if (how.as === 'unpaid' || !isOutside(row)) await assertUsed(context, row)
  await assertNotAlive(context, row, how.as)
  const ended = await context.write(async (db) => {
    const now = context.now()
    const current = await findTransaction(db, id)
    if (current === undefined || (current.status !== 'SIGNED' && current.status !== 'SUBMITTED')) return undefined
    const event = { type: 'TX_WRITTEN_OFF', actor, data: { level: 'CRITICAL', as: how.as } }
    const message = `The operator wrote it off as ${how.as}. No proof says what became of it.`
    const over = { outcome_unknown: 0, notice: noticeFor(current, now, { code: 'WRITTEN_OFF', message }) } as const
    if (how.as === 'paid') {
      await commit(db, id, { fee: BigInt(current.max_fee ?? 0), spent: true, at: now })
      return await move(
        db,
        { id, from: current.status, to: 'CONFIRMED', at: now },
        { ...over, fee: current.max_fee },
        event,
      )
    }
    await release(db, id)
    const error = { error_code: 'CHAIN_ERROR', error_message: 'The operator wrote it off as unpaid.' }
    return await move(db, { id, from: current.status, to: 'FAILED', at: now }, { ...over, ...error }, event)
  })
  if (ended === undefined) throw tooLate(row, 'it changed meanwhile; read it again')
  context.changes.changed(ended)
  return ended
}

function assertAmount(row: TransactionRow, amount: string): void {
  if (amount !== readDraft(row).amount.toString()) {
    throw fault(
      'VALIDATION_FAILED',
      'This is not the amount of the payment in base units. It confirms that you mean this one.',
    )
  }
}

/** What was written off is sent no more: where its nonce is free, everything behind it would wait for ever. */
async function assertUsed(context: Context, row: TransactionRow): Promise<void> {
  const adapter = context.adapters.get(row.network)
  if (adapter?.sequence === undefined) return
  for (const { sequence, address, state } of await attemptsOf(context.db, row.id)) {
    if (state !== 'LIVE' || sequence === null) continue
    const asked = await adapter.sequence(address)
    if (!asked.ok) throw fault('CHAIN_ERROR', asked.message)
    if (asked.count > BigInt(sequence)) continue
    const next = isOutside(row) ? CAN_BE_SENT : 'Cancel it, with a higher fee if need be.'
    throw tooLate(row, `its nonce ${sequence} is not used yet. ${next}`)
  }
}

/** Where a node's blocks show that the bytes can still take effect, a write-off would be wrong, or block what comes after. */
async function assertNotAlive(context: Context, row: TransactionRow, as: WriteOff['as']): Promise<void> {
  const adapter = context.adapters.get(row.network)
  if (adapter === undefined || (as === 'paid' && adapter.sequence === undefined)) return
  const open = (await attemptsOf(context.db, row.id)).filter(({ state }) => state === 'LIVE' || state === 'INCLUDED')
  const asked = await adapter.outcomes(placesOf(open).map(askedPlace))
  if (!asked.ok) throw fault('CHAIN_ERROR', asked.message)
  for (const outcome of asked.outcomes) {
    if (outcome.kind === 'included') throw tooLate(row, 'it is in a block')
    if (outcome.kind !== 'waiting' || outcome.missing !== undefined || (isOutside(row) && as === 'paid')) continue
    const next = isOutside(row) ? CAN_BE_SENT : 'Cancel it, and it ends by itself.'
    throw tooLate(row, `its bytes can still take effect. ${next}`)
  }
}

async function existing(context: Context, id: string): Promise<TransactionRow> {
  const row = await findTransaction(context.db, id)
  if (row === undefined) throw fault('TX_NOT_FOUND', `There is no transaction ${id}.`)
  return row
}

async function openRow(context: Context, id: string): Promise<TransactionRow> {
  const row = await existing(context, id)
  if (row.status !== 'SIGNED' && row.status !== 'SUBMITTED') throw tooLate(row, 'nothing of it is open')
  return row
}

function tooLate(row: TransactionRow, why: string) {
  const closing = readClosing(row)
  const given = closing === undefined ? '' : ` It was given up: ${closing.message}`
  const sentence = why.endsWith('.') ? why : `${why}.`
  return fault('TX_ALREADY_PROCESSED', `The transaction is ${row.status}: ${sentence}${given}`, {
    network: networkOf(row.network).name,
  })
}
