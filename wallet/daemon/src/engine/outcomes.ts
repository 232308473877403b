import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter, Outcome } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, currentAttempts, openAttempts, setAttemptState } from '../store/attempts.ts'
import { addCounterparty } from '../store/counterparties.ts'
import { addFillFee, commit } from '../store/ledger.ts'
import { findTransaction, move, type TransactionRow } from '../store/transactions.ts'
import { failIn, submitted } from './execute.ts'
import { nativeAsset } from './judge.ts'
import type { Context } from './parts.ts'
import { raiseFee, sentAttempt } from './replace.ts'
import { isOutside, readEffects } from './stored-draft.ts'

/** Signatures asked about at once, and booked in one database transaction. */
const BATCH = 256

export type Follower = {
  /** Asks the chain about every signature whose end is open, books the answers, and sends again what got lost. */
  follow: (network: NetworkName) => Promise<void>
}

/** What is to be done with a transaction all of whose signatures are proven dead, the last of them this one. */
export type Resign = (attempt: AttemptRow) => void

export function createFollower(context: Context, resign: Resign): Follower {
  const running = new Map<NetworkName, Promise<void>>()
  const again = new Set<NetworkName>()
  const lastFinality = new Map<NetworkName, number>()

  const followOnce = async (network: NetworkName) => {
    const adapter = context.adapters.get(network)
    if (adapter === undefined) return
    const now = context.clock.millis()
    const finality = now - (lastFinality.get(network) ?? Number.NEGATIVE_INFINITY) >= context.settings.finalityMillis
    if (finality) lastFinality.set(network, now)
    const attempts = await openAttempts(context.db, network, finality ? 'live and included' : 'live')
    for (let start = 0; start < attempts.length; start += BATCH) {
      await followBatch(context, adapter, attempts.slice(start, start + BATCH), resign)
    }
  }
  const loop = async (network: NetworkName) => {
    do {
      again.delete(network)
      await followOnce(network)
    } while (again.has(network))
  }
  return {
    follow: async (network) => {
      const current = running.get(network)
      if (current !== undefined) {
        again.add(network)
        return await current
      }
      const started = loop(network).finally(() => running.delete(network))
      running.set(network, started)
      await started
    },
  }
}

async function followBatch(
  context: Context,
  adapter: ChainAdapter,
  attempts: readonly AttemptRow[],
  resign: Resign,
): Promise<void> {
  const asked = await adapter.outcomes(attempts.map(sentAttempt))
  if (!asked.ok) {
    context.log.warn({ network: adapter.network.name }, asked.message)
    return
  }
  const told = attempts.map((attempt, index) => ({ attempt, outcome: asked.outcomes[index]! }))
  const news = told.filter(({ attempt, outcome }) => outcome.kind !== 'waiting' || attempt.state !== 'LIVE')
  const changed = news.length === 0 ? [] : await context.write((db) => book(context, db, news))
  for (const row of changed) {
    context.onStep('settled', row.id)
    context.changes.changed(row)
    if (row.status === 'EXECUTING') resign(attempts.findLast((attempt) => attempt.transaction_id === row.id)!)
  }
  for (const { attempt, outcome } of told) if (outcome.kind !== 'waiting') context.handOvers.forget(attempt.id)
  // While the kill switch is on, what was sent is followed, and nothing is sent again.
  if (context.lock.locked()) return
  const lost = told.filter(
    ({ attempt, outcome }) => outcome.kind === 'waiting' && context.handOvers.isDue(attempt.id, context.clock.millis()),
  )
  const current = await currentAttempts(
    context.db,
    lost.map(({ attempt }) => attempt.id),
  )
  await Promise.all(current.map((attempt) => pushOn(context, adapter, attempt)))
}

/** What waits for too little a fee is replaced; anything else goes out once more. */
async function pushOn(context: Context, adapter: ChainAdapter, attempt: AttemptRow): Promise<void> {
  if (!(await raiseFee(context, adapter, attempt))) await sendAgain(context, adapter, attempt)
}

type News = { attempt: AttemptRow; outcome: Outcome }

async function book(context: Context, db: Context['db'], news: readonly News[]): Promise<TransactionRow[]> {
  const changed: TransactionRow[] = []
  for (const { attempt, outcome } of news) {
    const state = stateAfter(outcome)
    if (state !== attempt.state) await setAttemptState(db, attempt.id, state)
    const row = await bookers[attempt.purpose](context, db, attempt, outcome)
    if (row !== undefined) changed.push(row)
  }
  return changed
}

function stateAfter(outcome: Outcome): AttemptRow['state'] {
  switch (outcome.kind) {
    case 'waiting':
      return 'LIVE'
    case 'confirmed':
      return outcome.final ? 'FINAL' : 'INCLUDED'
    case 'failed':
      return 'FINAL'
    case 'dead':
      return 'DEAD'
  }
}

type Booker = (
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
  outcome: Outcome,
) => Promise<TransactionRow | undefined>

const bookers: Readonly<Record<AttemptRow['purpose'], Booker>> = {
  PAYMENT: bookPayment,
  OUTSIDE: bookPayment,
  FILL: bookFill,
  CANCEL: bookCancel,
}

async function bookPayment(
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
  outcome: Outcome,
): Promise<TransactionRow | undefined> {
  const row = await transactionOf(db, attempt)
  if (outcome.kind === 'confirmed') return await confirm(context, db, row, attempt, outcome)
  const own = row.hash === attempt.hash
  const open = row.status === 'CONFIRMED' && own ? await vanished(context, db, row, attempt.hash) : row
  if (open === undefined || (open.status !== 'SIGNED' && open.status !== 'SUBMITTED')) return undefined
  switch (outcome.kind) {
    case 'waiting':
      return open
    case 'failed':
      return await mined(context, db, open, attempt, outcome)
    case 'dead':
      return await died(context, db, open, attempt, outcome.message)
  }
}

async function transactionOf(db: Context['db'], attempt: AttemptRow): Promise<TransactionRow> {
  const row = await findTransaction(db, attempt.transaction_id)
  if (row === undefined) throw new Error(`attempt ${attempt.id} has no transaction`)
  return row
}

/** A row that was confirmed by another version of the same transaction, whose block must be gone, is open again. */
async function reopened(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  attempt: AttemptRow,
): Promise<TransactionRow | undefined> {
  if (row.status !== 'CONFIRMED' || row.hash === attempt.hash) return row
  const versions = await attemptsOf(db, row.id)
  const former = versions.find(({ hash, state }) => hash === row.hash && state === 'INCLUDED')
  if (former !== undefined) await setAttemptState(db, former.id, 'LIVE')
  return await vanished(context, db, row, row.hash)
}

async function confirm(
  context: Context,
  db: Context['db'],
  stored: TransactionRow,
  attempt: AttemptRow,
  outcome: Extract<Outcome, { kind: 'confirmed' }>,
): Promise<TransactionRow | undefined> {
  const row = await reopened(context, db, stored, attempt)
  if (row?.status !== 'SIGNED' && row?.status !== 'SUBMITTED') return undefined
  const now = context.now()
  const { fee, block, final } = outcome
  await commit(db, row.id, { fee, spent: true })
  for (const effect of readEffects(row)) {
    if (effect.kind === 'spend') await addCounterparty(db, row.agent_id, effect.to, now)
  }
  const data = { hash: attempt.hash, fee: fee.toString(), block: block.toString(), final }
  return await move(
    db,
    { id: row.id, from: row.status, to: 'CONFIRMED', at: now },
    { fee: fee.toString(), hash: attempt.hash, notice: null, outcome_unknown: 0 },
    { type: 'TX_CONFIRMED', actor: 'daemon', data },
  )
}

/** CONFIRMED -> SUBMITTED: the block that held it is gone. */
async function vanished(context: Context, db: Context['db'], row: TransactionRow, hash: string | null) {
  return await move(
    db,
    { id: row.id, from: 'CONFIRMED', to: 'SUBMITTED', at: context.now() },
    { fee: null },
    { type: 'TX_REORGANIZED', actor: 'daemon', data: { hash } },
  )
}

/** In a block, but without effect: the fee is gone, the amount is not. */
async function mined(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  attempt: AttemptRow,
  outcome: Extract<Outcome, { kind: 'failed' }>,
) {
  const { fee, message } = outcome
  await commit(db, row.id, { fee, spent: false })
  return await move(
    db,
    { id: row.id, from: row.status, to: 'FAILED', at: context.now() },
    { fee: fee.toString(), hash: attempt.hash, error_code: 'CHAIN_ERROR', error_message: message, outcome_unknown: 0 },
    { type: 'TX_FAILED', actor: 'daemon', data: { hash: attempt.hash, fee: fee.toString(), message } },
  )
}

/** The last signature can never take effect: a new one may be made. */
async function died(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  attempt: AttemptRow,
  message: string,
): Promise<TransactionRow | undefined> {
  if (isOutside(row)) return await failIn(context, db, row, 'TX_EXPIRED', `It can take effect no more: ${message}`)
  const made = (await attemptsOf(db, row.id)).filter(({ purpose }) => purpose !== 'FILL')
  if (made.some(({ state }) => state !== 'DEAD')) return undefined
  if (made.some(({ purpose }) => purpose === 'CANCEL')) return await cancelled(context, db, row, 0n, { message })
  if (made.filter(({ replaces }) => replaces === null).length >= context.settings.maxSignatures)
    return await failIn(context, db, row, 'CHAIN_ERROR', message)
  return await move(
    db,
    { id: row.id, from: row.status, to: 'EXECUTING', at: context.now() },
    { outcome_unknown: 0 },
    { type: 'TX_SIGNATURE_DEAD', actor: 'daemon', data: { hash: attempt.hash, message } },
  )
}

/**
 * What took a payment's place and does nothing: in a block that cannot vanish any more, the payment is cancelled
 * for good. Until then it may still be paid.
 */
async function bookCancel(
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
  outcome: Outcome,
): Promise<TransactionRow | undefined> {
  const stored = await transactionOf(db, attempt)
  if (outcome.kind === 'dead' && stored.status === 'SUBMITTED') {
    return await died(context, db, stored, attempt, outcome.message)
  }
  const ended = outcome.kind === 'failed' || (outcome.kind === 'confirmed' && outcome.final)
  if (!ended) return undefined
  const row = await reopened(context, db, stored, attempt)
  if (row?.status !== 'SUBMITTED') return undefined
  return await cancelled(context, db, row, outcome.fee, { hash: attempt.hash, fee: outcome.fee.toString() })
}

/** SUBMITTED -> CANCELLED: nothing was paid but a fee. */
async function cancelled(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  fee: bigint,
  data: { hash?: string; fee?: string; message?: string },
) {
  await commit(db, row.id, { fee, spent: false })
  return await move(
    db,
    { id: row.id, from: row.status, to: 'CANCELLED', at: context.now() },
    { fee: fee.toString(), ...(data.hash === undefined ? {} : { hash: data.hash }), notice: null, outcome_unknown: 0 },
    { type: 'TX_CANCELLED', actor: 'daemon', data },
  )
}

/** A filled gap costs a fee, which counts against the limits of whoever left the gap. */
async function bookFill(
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
  outcome: Outcome,
): Promise<undefined> {
  if (outcome.kind !== 'confirmed' || attempt.state !== 'LIVE') return
  const row = await transactionOf(db, attempt)
  const owner = { transactionId: row.id, agentId: row.agent_id, at: context.now() }
  await addFillFee(db, owner, nativeAsset(row.network), outcome.fee)
}

/** The same bytes once more. Its refusal proves nothing: an earlier hand-over may have worked. */
async function sendAgain(context: Context, adapter: ChainAdapter, attempt: AttemptRow): Promise<void> {
  context.handOvers.note(attempt.id, context.clock.millis())
  const answer = await adapter.broadcast(sentAttempt(attempt))
  if (answer.kind !== 'accepted') {
    context.log.warn({ network: attempt.network, hash: attempt.hash, answer: answer.kind }, answer.message)
    return
  }
  if (attempt.purpose !== 'FILL') await submitted(context, { id: attempt.transaction_id }, attempt.hash)
}
