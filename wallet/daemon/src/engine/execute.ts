import { type ErrorCode, formatUnits, networkOf } from '@waiaas/core'
import type { ChainAdapter, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, livingAttempt, setAttemptState } from '../store/attempts.ts'
import { appendNote } from '../store/events.ts'
import { beforeSigning } from '../store/lanes.ts'
import { findTransaction, move, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { broadcast } from './broadcast.ts'
import { failIn } from './end.ts'
import { rejudgeToSign } from './hold.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Lanes } from './lanes.ts'
import { readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { keepSignature, type SignResult, signDraft, signOutside } from './signature.ts'
import { standingNotice } from './standing-notice.ts'
import { isOutside, readDraft } from './stored-draft.ts'
import { tellUnsigned } from './tell-unsigned.ts'
import type { Wallet } from './wallet-source.ts'

type Sent = { row: TransactionRow; attempt: AttemptRow; signed: Signed }

/** What came of an attempt to sign: kept bytes, or the row as it is now; `undefined` to try again later. */
type SignOutcome = { sent: Sent } | { row: TransactionRow | undefined }

/**
 * EXECUTING: signs, keeps the bytes, and only then hands them to the chain; those of a transaction made elsewhere
 * are left to who asked for them. A payment whose signatures are all proven dead, or that was judged by policies that
 * have changed since, is drafted and judged again first.
 * Returns the row as it is then, or `undefined` where it has to be tried again later.
 */
export async function execute(
  context: Context,
  lanes: Lanes,
  row: TransactionRow,
): Promise<TransactionRow | undefined> {
  const adapter = context.adapters.get(row.network)
  if (adapter === undefined) {
    await tellUnsigned(context, row, 'NOT_SIGNED', `The daemon is not connected to ${row.network}.`)
    return undefined
  }
  if (row.hash !== null) return await rejudgeToSign(context, row)
  const wallet = await context.walletOf(row)
  const { held, policyVersion } = await beforeSigning(context.db, row.network, wallet.address)
  if (row.origin === 'session' && policyVersion !== row.policy_version) return await rejudgeToSign(context, row)
  if (held !== null) {
    await tellUnsigned(context, row, 'ACCOUNT_HELD', held)
    return undefined
  }
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
  if (!result.ok) return await unsigned(context, row, result)
  return await keep(context, wallet, row, result.signed, null)
}

async function signInTurn(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  wallet: Wallet,
  row: TransactionRow,
): Promise<SignOutcome> {
  const sign = (sequence: bigint | null) => signDraft(context, adapter, wallet, readDraft(row), sequence)
  if (adapter.sequence === undefined) {
    const result = await sign(null)
    if (!result.ok) return await unsigned(context, row, result)
    return await keep(context, wallet, row, result.signed, null)
  }
  const taken = await lanes.of(row.network, wallet.address).take<Signed, SignOutcome>({
    make: async (sequence) => {
      const result = await sign(sequence)
      if (!result.ok) return { value: await unsigned(context, row, result) }
      return { made: result.signed, cost: result.signed.cost! }
    },
    store: async (made, next) => {
      const outcome = await keep(context, wallet, row, made, next)
      return { held: 'sent' in outcome, value: outcome }
    },
  })
  if (taken.ok) return taken.value
  if ('short' in taken) return { row: await fail(context, row, 'INSUFFICIENT_BALANCE', tooShort(row, taken.short)) }
  if (taken.lasting) return { row: await fail(context, row, 'CHAIN_ERROR', taken.message) }
  const code = taken.held ? 'ACCOUNT_HELD' : taken.behind ? 'WAITS_BEHIND' : 'NOT_SIGNED'
  await tellUnsigned(context, row, code, taken.message)
  return { row: undefined }
}

function tooShort({ network }: TransactionRow, short: bigint): string {
  const { decimals, symbol } = networkOf(network).native
  return `The balance does not cover this payment and those that are on their way: it lacks ${formatUnits(short, decimals)} ${symbol}. Nothing was signed.`
}

async function unsigned(
  context: Context,
  row: TransactionRow,
  fault: Extract<SignResult, { ok: false }>,
): Promise<SignOutcome> {
  if (fault.lasting) return { row: await fail(context, row, fault.code, fault.message) }
  await tellUnsigned(context, row, fault.tooDear ? 'FEE_CEILING' : 'NOT_SIGNED', fault.message)
  return { row: undefined }
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
    const refusal = spendingFault(await agentOf(db, row.agent_id), row.origin)
    if (refusal !== undefined) return { row: await failIn(context, db, row, refusal.code, refusal.message) }
    const twin = isOutside(row) ? await livingAttempt(db, signed.hash) : undefined
    if (twin !== undefined) {
      const message = `Exactly this was signed before, as transaction ${twin.transaction_id}.`
      return { row: await failIn(context, db, row, 'TX_ALREADY_PROCESSED', message) }
    }
    const data = { hash: signed.hash, sequence: signed.sequence?.toString() ?? null }
    const event = { type: 'TX_SIGNED', actor: 'daemon', data }
    const change = { id: row.id, from: row.status, to: 'SIGNED' as const, at: now }
    const moved = await move(db, change, { hash: signed.hash, notice: null }, event)
    if (moved === undefined) return { row: undefined }
    const { network } = row
    const attempt = await keepSignature(
      db,
      { id: context.newId(), now },
      {
        transactionId: row.id,
        network,
        address: wallet.address,
        signed,
        purpose: isOutside(row) ? 'OUTSIDE' : 'PAYMENT',
        next,
        replaces: null,
      },
    )
    return { sent: { row: moved, attempt, signed } }
  })
}

/**
 * The first hand-over. Bytes that no transport has had are forgotten, and the row ends; whatever a node answered
 * otherwise, they are out.
 */
async function handOver(
  context: Context,
  lanes: Lanes,
  adapter: ChainAdapter,
  wallet: Wallet,
  { row, attempt, signed }: Sent,
): Promise<TransactionRow | undefined> {
  const spends = row.origin === 'session'
  const may = context.lock.mayLeave(row.agent_id, spends)
  const { left, answer } = may
    ? await broadcast(context, adapter, attempt, row)
    : { left: false, answer: { kind: 'not accepted' as const, message: '' } }
  context.onStep('broadcast', row.id)
  const lane = signed.sequence === null ? undefined : lanes.of(row.network, wallet.address)
  if (!left && !context.lock.mayLeave(row.agent_id, spends)) {
    const moved = await takeBack(context, row, attempt)
    lane?.doubt()
    return moved
  }
  if (answer.kind !== 'accepted' && signed.sequence !== null) lane?.notAccepted(signed.sequence)
  const said = answer.kind === 'accepted' ? undefined : answer.message
  const moved = await submitted(context, row, attempt, said)
  // A block may have it before its node has answered: then the account waits for no node.
  if (said !== undefined && moved?.outcome_unknown !== 1) lane?.doubt()
  context.onStep('submitted', row.id)
  return moved
}

/** Stopped between signing and sending: these bytes have never left, and are forgotten. */
async function takeBack(
  context: Context,
  row: TransactionRow,
  attempt: AttemptRow,
): Promise<TransactionRow | undefined> {
  context.handOvers.forget(attempt.id)
  return await context.write(async (db) => {
    const refusal = spendingFault(await agentOf(db, row.agent_id), row.origin)
    await setAttemptState(db, attempt.id, 'DEAD')
    const code = refusal?.code ?? 'SYSTEM_LOCKED'
    return await failIn(context, db, row, code, refusal?.message ?? 'The kill switch is on: nothing is sent.')
  })
}

/**
 * SIGNED -> SUBMITTED: the bytes are out. Or, of what is SUBMITTED already: a node has taken them now.
 *
 * @param said what nodes said where none took them.
 */
export async function submitted(
  context: Context,
  { id }: Pick<TransactionRow, 'id'>,
  attempt: Pick<AttemptRow, 'hash' | 'sequence'>,
  said: string | undefined,
): Promise<TransactionRow | undefined> {
  const accepted = said === undefined
  return await context.write(async (db) => {
    const now = context.now()
    const row = await findTransaction(db, id)
    if (row === undefined) return undefined
    const outcome_unknown = accepted ? 0 : 1
    // It may have been given up while the node was asked.
    const words = accepted ? {} : { nodeWords: said, nonce: attempt.sequence }
    const moved = await move(
      db,
      { id, from: 'SIGNED', to: 'SUBMITTED', at: now },
      { outcome_unknown, notice: standingNotice({ ...row, outcome_unknown }, now, words) },
      accepted
        ? { type: 'TX_SUBMITTED', actor: 'daemon', data: { hash: attempt.hash } }
        : { type: 'TX_OUTCOME_UNKNOWN', actor: 'daemon', data: { hash: attempt.hash, message: said } },
    )
    if (moved !== undefined || !accepted) return moved
    if (row.status !== 'SUBMITTED' || row.outcome_unknown === 0) return undefined
    const taken = { ...row, outcome_unknown: 0 } as const
    const notice = readNotice(row)?.code === 'NOT_ACCEPTED' ? standingNotice(taken, now) : row.notice
    await patchTransaction(db, id, now, { outcome_unknown: 0, notice }, 'SUBMITTED')
    await appendNote(db, now, row, 'TX_ACCEPTED', { hash: attempt.hash })
    return { ...taken, notice }
  })
}

async function fail(context: Context, row: TransactionRow, code: ErrorCode, message: string) {
  return await context.write((db) => failIn(context, db, row, code, message))
}
