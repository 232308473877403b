import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter, Outcome, SentAttempt } from '../chains/chain-adapter.ts'
import { type AttemptRow, openAttempts, setAttemptState } from '../store/attempts.ts'
import { addCounterparty } from '../store/counterparties.ts'
import { addFillFee, commit } from '../store/ledger.ts'
import { findTransaction, move, type TransactionRow } from '../store/transactions.ts'
import { failIn, submitted } from './execute.ts'
import { nativeAsset } from './judge.ts'
import type { Context } from './parts.ts'
import { isOutside, readEffects } from './stored-draft.ts'

/** Signatures asked about at once, and booked in one database transaction. */
const BATCH = 256

export type Follower = {
  /** Asks the chain about every signature whose end is open, books the answers, and sends again what got lost. */
  follow: (network: NetworkName) => Promise<void>
}

/** @param resign called with transactions all of whose signatures are proven dead. */
export function createFollower(context: Context, resign: (id: string) => void): Follower {
  const running = new Map<NetworkName, Promise<void>>()
  const again = new Set<NetworkName>()
  const lastFinality = new Map<NetworkName, number>()

  const followOnce = async (network: NetworkName) => {
    const adapter = context.adapters.get(network)
    if (adapter === undefined) return
    const now = context.clock.millis()
    const finality = now - (lastFinality.get(network) ?? Number.NEGATIVE_INFINITY) >= context.settings.finalityMillis
    if (finality) lastFinality.set(network, now)
    const attempts = await openAttempts(context.db, network, finality ? ['LIVE', 'INCLUDED'] : ['LIVE'])
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
  resign: (id: string) => void,
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
    if (row.status === 'EXECUTING') resign(row.id)
  }
  for (const { attempt, outcome } of told) if (outcome.kind !== 'waiting') context.handOvers.forget(attempt.id)
  // While the kill switch is on, what was sent is followed, and nothing is sent again.
  if (context.lock.locked()) return
  const lost = told.filter(
    ({ attempt, outcome }) =>
      outcome.kind === 'waiting' &&
      attempt.purpose !== 'OUTSIDE' &&
      context.handOvers.isDue(attempt.id, context.clock.millis()),
  )
  await Promise.all(lost.map(({ attempt }) => sendAgain(context, adapter, attempt)))
}

type News = { attempt: AttemptRow; outcome: Outcome }

async function book(context: Context, db: Context['db'], news: readonly News[]): Promise<TransactionRow[]> {
  const changed: TransactionRow[] = []
  for (const { attempt, outcome } of news) {
    const state = stateAfter(outcome)
    if (state !== attempt.state) await setAttemptState(db, attempt.id, state)
    const row =
      attempt.purpose === 'FILL'
        ? await bookFill(context, db, attempt, outcome)
        : await bookPayment(context, db, attempt, outcome)
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

async function bookPayment(
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
  outcome: Outcome,
): Promise<TransactionRow | undefined> {
  const row = await findTransaction(db, attempt.transaction_id)
  if (row === undefined) throw new Error(`attempt ${attempt.id} has no transaction`)
  if (outcome.kind === 'confirmed') return await confirm(context, db, row, attempt, outcome)
  const open = row.status === 'CONFIRMED' ? await vanished(context, db, row, attempt) : row
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

async function confirm(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  attempt: AttemptRow,
  outcome: Extract<Outcome, { kind: 'confirmed' }>,
): Promise<TransactionRow | undefined> {
  if (row.status !== 'SIGNED' && row.status !== 'SUBMITTED') return undefined
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
    { fee: fee.toString(), hash: attempt.hash, outcome_unknown: 0 },
    { type: 'TX_CONFIRMED', actor: 'daemon', data },
  )
}

/** CONFIRMED -> SUBMITTED: the block that held it is gone. */
async function vanished(context: Context, db: Context['db'], row: TransactionRow, attempt: AttemptRow) {
  return await move(
    db,
    { id: row.id, from: 'CONFIRMED', to: 'SUBMITTED', at: context.now() },
    { fee: null },
    { type: 'TX_REORGANIZED', actor: 'daemon', data: { hash: attempt.hash } },
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
    { fee: fee.toString(), error_code: 'CHAIN_ERROR', error_message: message, outcome_unknown: 0 },
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
  const made = await db
    .selectFrom('attempts')
    .select('state')
    .where('transaction_id', '=', row.id)
    .where('purpose', '=', 'PAYMENT')
    .execute()
  if (made.some(({ state }) => state !== 'DEAD')) return undefined
  if (made.length >= context.settings.maxSignatures) return await failIn(context, db, row, 'CHAIN_ERROR', message)
  return await move(
    db,
    { id: row.id, from: row.status, to: 'EXECUTING', at: context.now() },
    { outcome_unknown: 0 },
    { type: 'TX_SIGNATURE_DEAD', actor: 'daemon', data: { hash: attempt.hash, message } },
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
  const row = await findTransaction(db, attempt.transaction_id)
  if (row === undefined) throw new Error(`attempt ${attempt.id} has no transaction`)
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

function sentAttempt(attempt: AttemptRow): SentAttempt {
  return {
    raw: attempt.raw,
    hash: attempt.hash,
    sequence: attempt.sequence === null ? null : BigInt(attempt.sequence),
    validUntil: attempt.valid_until === null ? null : BigInt(attempt.valid_until),
    from: attempt.address,
  }
}
