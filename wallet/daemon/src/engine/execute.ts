import { type ErrorCode, errorSpec } from '@waiaas/core'
import type { Broadcast, ChainAdapter, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, livingAttempt, setAttemptState } from '../store/attempts.ts'
import { appendNote } from '../store/events.ts'
import { release } from '../store/ledger.ts'
import { move, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Lanes } from './lanes.ts'
import type { Context } from './parts.ts'
import { keepSignature, type SignResult, signDraft, signOutside } from './signature.ts'
import { isOutside, readDraft } from './stored-draft.ts'
import type { Wallet } from './wallet-source.ts'

type Sent = { row: TransactionRow; attempt: AttemptRow; signed: Signed }

/** What came of an attempt to sign: kept bytes, or the row as it is now; `undefined` to try again later. */
type SignOutcome = { sent: Sent } | { row: TransactionRow | undefined }

/**
 * EXECUTING: signs, keeps the bytes, and only then hands them to the chain; those of a transaction made elsewhere
 * are left to who asked for them. Answers the row as it is then, or `undefined` where it has to be tried again later.
 */
export async function execute(
  context: Context,
  lanes: Lanes,
  row: TransactionRow,
): Promise<TransactionRow | undefined> {
  const adapter = context.adapters.get(row.network)
  if (adapter === undefined) return undefined
  const wallet = await context.walletOf(row)
  const outcome = isOutside(row)
    ? await signAsItIs(context, adapter, wallet, row)
    : await signInTurn(context, lanes, adapter, wallet, row)
  if (!('sent' in outcome)) return outcome.row
  context.onStep('signed', row.id)
  if (isOutside(row)) return outcome.sent.row
  return await handOver(context, lanes, adapter, wallet, outcome.sent)
}

async function signAsItIs(
  context: Context,
  adapter: ChainAdapter,
  wallet: Wallet,
  row: TransactionRow,
): Promise<SignOutcome> {
  const result = await signOutside(context, adapter, wallet, readDraft(row))
  return result.ok ? await keep(context, wallet, row, result.signed, null) : await unsigned(context, row, result)
}

async function signInTurn(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  wallet: Wallet,
  row: TransactionRow,
): Promise<SignOutcome> {
  const sign = (sequence: bigint | null) => signDraft(context, adapter, wallet, readDraft(row), sequence)
  if (adapter.nextSequence === undefined) {
    const result = await sign(null)
    return result.ok ? await keep(context, wallet, row, result.signed, null) : await unsigned(context, row, result)
  }
  const taken = await lanes.of(row.network, wallet.address).take<Signed, SignOutcome>({
    make: async (sequence) => {
      const result = await sign(sequence)
      return result.ok ? { made: result.signed } : { value: await unsigned(context, row, result) }
    },
    store: async (signed, next) => {
      const outcome = await keep(context, wallet, row, signed, next)
      return { held: 'sent' in outcome, value: outcome }
    },
  })
  if (!taken.ok) return { row: taken.lasting ? await fail(context, row, 'CHAIN_ERROR', taken.message) : undefined }
  if (!('sent' in taken.value)) await lanes.repair(row.network, wallet)
  return taken.value
}

async function unsigned(
  context: Context,
  row: TransactionRow,
  fault: Extract<SignResult, { ok: false }>,
): Promise<SignOutcome> {
  return { row: fault.lasting ? await fail(context, row, fault.code, fault.message) : undefined }
}

/** EXECUTING -> SIGNED, unless nothing may be spent any more: then the bytes are forgotten. */
async function keep(
  context: Context,
  wallet: Wallet,
  row: TransactionRow,
  signed: Signed,
  next: bigint | null,
): Promise<SignOutcome> {
  return await context.write(async (db): Promise<SignOutcome> => {
    const now = context.now()
    const refusal = await spendingFault(db, await agentOf(db, row.agent_id), row.origin)
    if (refusal !== undefined) return { row: await failIn(context, db, row, refusal.code, refusal.message) }
    const twin = isOutside(row) ? await livingAttempt(db, signed.hash) : undefined
    if (twin !== undefined) {
      const message = `Exactly this was signed before, as transaction ${twin.transaction_id}.`
      return { row: await failIn(context, db, row, 'TX_ALREADY_PROCESSED', message) }
    }
    const data = { hash: signed.hash, sequence: signed.sequence?.toString() ?? null }
    const event = { type: 'TX_SIGNED', actor: 'daemon', data }
    const change = { id: row.id, from: row.status, to: 'SIGNED' as const, at: now }
    const moved = await move(db, change, { hash: signed.hash }, event)
    if (moved === undefined) return { row: undefined }
    const { network } = row
    const attempt = await keepSignature(db, now, {
      transactionId: row.id,
      network,
      address: wallet.address,
      signed,
      purpose: isOutside(row) ? 'OUTSIDE' : 'PAYMENT',
      next,
      replaces: null,
    })
    return { sent: { row: moved, attempt, signed } }
  })
}

/** The first hand-over: the only one whose refusal proves that the bytes are nowhere. */
async function handOver(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  wallet: Wallet,
  sent: Sent,
): Promise<TransactionRow | undefined> {
  const { row, attempt, signed } = sent
  if (context.lock.locked()) return await withhold(context, lanes, wallet, sent)
  context.handOvers.note(attempt.id, context.clock.millis())
  const answer = await adapter.broadcast({ ...signed, from: wallet.address })
  context.onStep('broadcast', row.id)
  if (answer.kind === 'accepted') {
    const moved = await submitted(context, row, attempt.hash)
    context.onStep('submitted', row.id)
    return moved
  }
  if (answer.kind === 'unknown' || context.handOvers.count(attempt.id) > 1) {
    await markUnknown(context, row, answer.message)
    // Perhaps somebody else used the number: later ones are asked for anew.
    if (signed.sequence !== null) lanes.of(row.network, wallet.address).doubt()
    return undefined
  }
  return await refused(context, lanes, adapter, wallet, sent, answer)
}

/** The kill switch came between signing and sending: these bytes have never left, and are forgotten. */
async function withhold(
  context: Context,
  lanes: Lanes,
  wallet: Wallet,
  { row, attempt, signed }: Sent,
): Promise<TransactionRow | undefined> {
  const moved = await context.write(async (db) => {
    await setAttemptState(db, attempt.id, 'DEAD')
    return await failIn(context, db, row, 'SYSTEM_LOCKED', 'The kill switch is on: nothing is sent.')
  })
  if (signed.sequence !== null) {
    lanes.of(row.network, wallet.address).doubt()
    await lanes.repair(row.network, wallet)
  }
  return moved
}

/** SIGNED -> SUBMITTED: the chain has the bytes. */
export async function submitted(
  context: Context,
  row: Pick<TransactionRow, 'id'>,
  hash: string,
): Promise<TransactionRow | undefined> {
  return await context.write((db) =>
    move(
      db,
      { id: row.id, from: 'SIGNED', to: 'SUBMITTED', at: context.now() },
      { outcome_unknown: 0 },
      { type: 'TX_SUBMITTED', actor: 'daemon', data: { hash } },
    ),
  )
}

async function markUnknown(context: Context, row: TransactionRow, message: string): Promise<void> {
  await context.write(async (db) => {
    const now = context.now()
    await patchTransaction(db, row.id, now, { outcome_unknown: 1 }, 'SIGNED')
    await appendNote(db, now, row, 'TX_OUTCOME_UNKNOWN', { message })
  })
}

/**
 * The chain did not take the bytes. Where the reason may pass, or somebody else used the number, the payment
 * is signed anew; otherwise it has failed. Its number is free again, and is filled if later ones wait for it.
 */
async function refused(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  wallet: Wallet,
  sent: Sent,
  answer: Extract<Broadcast, { kind: 'refused' }>,
): Promise<TransactionRow | undefined> {
  const { row, attempt, signed } = sent
  const outdated = await wasUsedElsewhere(adapter, wallet.address, signed)
  const tries = (await attemptsOf(context.db, row.id)).length
  const again = (outdated || errorSpec(answer.code).retryable === true) && tries < context.settings.maxSignatures
  const moved = await context.write(async (db) => {
    await setAttemptState(db, attempt.id, 'DEAD')
    if (!again) return await failIn(context, db, row, answer.code, answer.message)
    const change = { id: row.id, from: row.status, to: 'EXECUTING' as const, at: context.now() }
    const data = { hash: attempt.hash, message: answer.message }
    return await move(db, change, {}, { type: 'TX_SIGNATURE_DEAD', actor: 'daemon', data })
  })
  context.handOvers.forget(attempt.id)
  if (signed.sequence !== null) {
    lanes.of(row.network, wallet.address).doubt()
    if (!outdated) await lanes.repair(row.network, wallet)
  }
  return again && !outdated ? undefined : moved
}

async function wasUsedElsewhere(adapter: ChainAdapter, address: string, signed: Signed): Promise<boolean> {
  if (signed.sequence === null || adapter.nextSequence === undefined) return false
  const asked = await adapter.nextSequence(address)
  return asked.ok && asked.sequence > signed.sequence
}

async function fail(context: Context, row: TransactionRow, code: ErrorCode, message: string) {
  return await context.write((db) => failIn(context, db, row, code, message))
}

/** Ends a row none of whose signatures can take effect; everything it reserved is free again. */
export async function failIn(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  code: ErrorCode,
  message: string,
): Promise<TransactionRow | undefined> {
  const moved = await move(
    db,
    { id: row.id, from: row.status, to: 'FAILED', at: context.now() },
    { error_code: code, error_message: message, outcome_unknown: 0 },
    { type: 'TX_FAILED', actor: 'daemon', data: { code, message } },
  )
  if (moved !== undefined) await release(db, row.id)
  return moved
}
