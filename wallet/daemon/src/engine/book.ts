import type { Outcome, Result } from '../chains/chain-adapter.ts'
import { suspendAgent } from '../store/agents.ts'
import { type AttemptRow, attemptsOf, patchAttempt } from '../store/attempts.ts'
import { addCounterparty } from '../store/counterparties.ts'
import { appendEvent } from '../store/events.ts'
import { holdAccount } from '../store/lanes.ts'
import { addFillFee, bookAgain, commit, reserveAgain } from '../store/ledger.ts'
import { findTransaction, move, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { closingNotice, readClosing } from './closing.ts'
import { failIn } from './end.ts'
import { nativeAsset } from './judge.ts'
import { isSameButNumbers, noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { standingNotice } from './standing-notice.ts'
import { isOutside, readEffects } from './stored-draft.ts'
import { proofText } from './stored-proof.ts'
import { FIRST_LOOK_SECONDS } from './watch.ts'

type Versions = readonly AttemptRow[]

/** Whether an outcome says more than what is stored. */
export function isNews(versions: Versions, outcome: Outcome): boolean {
  if (outcome.missing !== undefined) return true
  switch (outcome.kind) {
    case 'waiting':
      return versions.some(
        ({ state, proof, block_hash, origin }) =>
          state !== 'LIVE' || proof !== null || block_hash !== null || isBetter(outcome.origin, origin),
      )
    case 'dead':
      return outcome.final || versions.some(({ proof }) => proof !== proofText(outcome.proof))
    case 'included': {
      const version = versions.find(({ hash }) => hash === outcome.hash)!
      const isSame = version.block_hash === outcome.block.hash && version.block_number === `${outcome.block.number}`
      return !isSame || outcome.final || (version.state === 'LIVE' && outcome.result !== undefined)
    }
  }
}

/**
 * Writes down what is proven of a place, and what follows for its row. Returns the rows that changed, as they are then.
 * Where the place was decided since it was asked about, or another version was signed, the answer is too old.
 *
 * @param asked the versions that were asked about.
 */
export async function bookOutcome(
  context: Context,
  db: Context['db'],
  asked: Versions,
  outcome: Outcome,
): Promise<TransactionRow[]> {
  const [first] = asked
  const row = await findTransaction(db, first!.transaction_id)
  if (row === undefined) throw new Error(`attempt ${first!.id} has no transaction`)
  const isOpen = ({ id, sequence, state }: AttemptRow) =>
    (sequence === null ? id === first!.id : sequence === first!.sequence) && (state === 'LIVE' || state === 'INCLUDED')
  const versions = (await attemptsOf(db, row.id)).filter(isOpen)
  if (versions.length !== asked.length || versions.some(({ id }) => asked.every((each) => each.id !== id))) return []
  const open = await reopened(context, db, row, versions, outcome)
  const noted = await noteMissing(context, db, open, outcome)
  switch (outcome.kind) {
    case 'waiting':
      for (const version of versions) {
        await reopen(db, version)
        if (!isBetter(outcome.origin, version.origin)) continue
        await patchAttempt(db, version.id, { origin: outcome.origin!.toString() })
      }
      return noted === row ? [] : [noted]
    case 'included':
      return await bookIncluded(context, db, noted, versions, outcome)
    case 'dead':
      return await bookDead(context, db, noted, versions, outcome)
  }
}

/** A search that begins earlier finds no less. */
function isBetter(found: bigint | undefined, known: string | null): boolean {
  return found !== undefined && (known === null || BigInt(known) > found)
}

/** Nothing is proven of it any more. */
async function reopen(db: Context['db'], { id, state, block_hash, proof }: AttemptRow): Promise<void> {
  if (state === 'LIVE' && block_hash === null && proof === null) return
  await patchAttempt(db, id, { state: 'LIVE', ...NO_BLOCK, proof: null })
}

const NO_BLOCK = { block_number: null, block_hash: null }

/**
 * CONFIRMED -> SUBMITTED where the block that had it is gone, another version is in its place, or it did something else
 * there. What the operator wrote off as paid rests on no block, and stays.
 */
async function reopened(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  versions: Versions,
  outcome: Outcome,
): Promise<TransactionRow> {
  if (row.status !== 'CONFIRMED') return row
  const isItsPlace = versions.some(({ hash }) => hash === row.hash)
  const isStill = outcome.kind === 'included' && outcome.hash === row.hash && isAsBooked(row, outcome.result)
  if (!isItsPlace || isStill || isWrittenOff(row)) return row
  return (await reopenRow(context, db, row)) ?? row
}

function isWrittenOff(row: TransactionRow): boolean {
  return readNotice(row)?.code === 'WRITTEN_OFF'
}

/** In another block the same bytes may fail, or cost another fee. */
function isAsBooked({ fee }: TransactionRow, result: Result | undefined): boolean {
  return result === undefined || (result.succeeded && result.fee.toString() === fee)
}

/** CONFIRMED -> SUBMITTED; what was booked is reserved again. */
async function reopenRow(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
): Promise<TransactionRow | undefined> {
  await reserveAgain(db, row.id, BigInt(row.max_fee ?? 0))
  return await move(
    db,
    { id: row.id, from: 'CONFIRMED', to: 'SUBMITTED', at: context.now() },
    { fee: null, notice: row.closing === null ? null : closingNotice({ ...row, notice: null }, context.now()) },
    { type: 'TX_REORGANIZED', actor: 'daemon', data: { hash: row.hash } },
  )
}

/** On a chain of one's own: bytes whose block, which counted as final, is gone. */
export async function bookVanished(
  context: Context,
  db: Context['db'],
  attempt: AttemptRow,
): Promise<TransactionRow[]> {
  await patchAttempt(db, attempt.id, { state: 'LIVE', ...NO_BLOCK, proof: null })
  const row = await findTransaction(db, attempt.transaction_id)
  if (row?.status !== 'CONFIRMED' || row.hash !== attempt.hash) return []
  const moved = await reopenRow(context, db, row)
  return moved === undefined ? [] : [moved]
}

/** Says on the row what is missing for a proof; takes it back when nothing is. */
export async function noteMissing(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  { kind, missing }: Outcome,
): Promise<TransactionRow> {
  if (row.status !== 'SUBMITTED') return row
  const before = readNotice(row)
  const isOver = hasProofNotice(row) || (before?.code === 'NOT_MINED' && kind !== 'waiting')
  if (missing === undefined && !isOver) return row
  if (missing !== undefined && before?.code === missing.code && isSameButNumbers(before.message, missing.message))
    return row
  const now = context.now()
  // Only what waits is sent again.
  const outcome_unknown = kind === 'waiting' ? row.outcome_unknown : 0
  const notice = missing === undefined ? standingNotice({ ...row, outcome_unknown }, now) : noticeFor(row, now, missing)
  await patchTransaction(db, row.id, now, { notice }, 'SUBMITTED')
  return { ...row, notice }
}

const PROOF_NOTICES: readonly string[] = ['FINALITY_UNAVAILABLE', 'HISTORY_UNAVAILABLE', 'RECEIPT_UNAVAILABLE']

/** Whether a row says that something is missing for a proof. */
export function hasProofNotice(row: Pick<TransactionRow, 'notice'>): boolean {
  return PROOF_NOTICES.includes(readNotice(row)?.code ?? '')
}

async function bookIncluded(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  versions: Versions,
  outcome: Extract<Outcome, { kind: 'included' }>,
): Promise<TransactionRow[]> {
  const { hash, block, result } = outcome
  const isOver = outcome.final && result !== undefined
  const version = versions.find((each) => each.hash === hash)!
  const place = { block_number: block.number.toString(), block_hash: block.hash, proof: null }
  const state = isOver ? 'FINAL' : result === undefined ? 'LIVE' : 'INCLUDED'
  await patchAttempt(db, version.id, { state, ...place })
  for (const other of versions) {
    if (other.id === version.id) continue
    if (isOver) await bury(context, db, other)
    else await reopen(db, other)
  }
  if (result === undefined) return []
  const moved = await bookResult(context, db, row, version, outcome, result)
  return moved === undefined ? [] : [moved]
}

async function bookResult(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  version: AttemptRow,
  outcome: Extract<Outcome, { kind: 'included' }>,
  result: Result,
): Promise<TransactionRow | undefined> {
  const { final } = outcome
  if (version.purpose === 'FILL') {
    if (final) await bookOldFill(context, db, row, result)
    return undefined
  }
  const ends = version.purpose === 'CANCEL' && row.origin !== 'daemon'
  if (ends) return final ? await closed(context, db, row, { fee: result.fee, hash: version.hash }) : undefined
  if (result.succeeded) return await confirm(context, db, row, version, outcome, result)
  return final ? await reverted(context, db, row, version, result) : undefined
}

/** The row is paid. Said and booked at once, and taken back if the block vanishes. */
async function confirm(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  version: AttemptRow,
  { block, final }: Extract<Outcome, { kind: 'included' }>,
  { fee }: Result,
): Promise<TransactionRow | undefined> {
  const now = context.now()
  if (final && (row.status === 'FAILED' || row.status === 'CANCELLED'))
    return await paidAfterEnd(context, db, row, version)
  if (final && row.status === 'CONFIRMED' && row.closing !== null && row.notice !== null)
    await patchTransaction(db, row.id, now, { notice: null }, 'CONFIRMED')
  if (row.status === 'CONFIRMED' && isOutside(row) && isWrittenOff(row)) {
    // Who had its bytes has sent them after all: it counts from now on, and not from when it was written off.
    await commit(db, row.id, { spent: true, fee, at: now })
    await patchTransaction(db, row.id, now, { fee: `${fee}`, ...(final && { notice: null }) }, 'CONFIRMED')
    return undefined
  }
  if (row.status !== 'SIGNED' && row.status !== 'SUBMITTED') return undefined
  await commit(db, row.id, { fee, spent: true, at: now })
  for (const effect of readEffects(row)) {
    if (effect.kind === 'spend') await addCounterparty(db, row.agent_id, effect.to, now)
  }
  const data = { hash: version.hash, fee: fee.toString(), block: block.number.toString(), final }
  return await move(
    db,
    { id: row.id, from: row.status, to: 'CONFIRMED', at: now },
    // That it was given up stays known: if its block vanishes, it is not sent again.
    { fee: fee.toString(), hash: version.hash, notice: null, outcome_unknown: 0 },
    { type: 'TX_CONFIRMED', actor: 'daemon', data },
  )
}

/** The operator wrote it off as unpaid, and it was paid: as with whatever was called dead, the agent and its account stop. */
async function paidAfterEnd(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  { hash, network, address }: AttemptRow,
): Promise<TransactionRow> {
  const now = context.now()
  const what = `${hash} was written off as unpaid, and is in a block for good.`
  const message = `${what} The agent is suspended, and nothing is signed for its account until it is released.`
  context.log.error({ transactionId: row.id, hash }, message)
  context.lock.stopAgent(row.agent_id)
  const whose = { agentId: row.agent_id, transactionId: row.id }
  const data = { level: 'CRITICAL', hash, message }
  await appendEvent(db, now, { type: 'DEAD_TRANSACTION_FOUND', actor: 'daemon', ...whose, data })
  await suspendAgent(db, now, row.agent_id, { actor: 'daemon', why: message })
  await holdAccount(db, network, address, message)
  await bookAgain(db, row.id, now)
  const notice = noticeFor(row, now, { code: 'FOUND_PAID', message })
  await patchTransaction(db, row.id, now, { notice, hash }, row.status)
  return { ...row, notice, hash }
}

/** In a block for good, but without effect: the fee is gone, the amount is not. */
async function reverted(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  version: AttemptRow,
  { fee, message, code = 'CHAIN_ERROR' }: Result,
): Promise<TransactionRow | undefined> {
  if (row.status !== 'SIGNED' && row.status !== 'SUBMITTED') return undefined
  await commit(db, row.id, { fee, spent: false, at: context.now() })
  return await move(
    db,
    { id: row.id, from: row.status, to: 'FAILED', at: context.now() },
    { ...OVER, fee: fee.toString(), hash: version.hash, error_code: code, error_message: message },
    { type: 'TX_FAILED', actor: 'daemon', data: { hash: version.hash, fee: fee.toString(), message } },
  )
}

const OVER = { outcome_unknown: 0, notice: null } as const

async function bookDead(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  versions: Versions,
  outcome: Extract<Outcome, { kind: 'dead' }>,
): Promise<TransactionRow[]> {
  for (const version of versions) {
    if (outcome.final) await bury(context, db, { ...version, proof: proofText(outcome.proof) })
    else await patchAttempt(db, version.id, { state: 'LIVE', ...NO_BLOCK, proof: proofText(outcome.proof) })
  }
  if (!outcome.final) return []
  if (versions[0]!.purpose === 'FILL' || (row.status !== 'SIGNED' && row.status !== 'SUBMITTED')) return []
  const moved = await died(context, db, row, versions, outcome.message)
  return moved === undefined ? [] : [moved]
}

/** Dead by proof. It is watched for a while all the same. */
async function bury(context: Context, db: Context['db'], { id, proof, purpose }: AttemptRow): Promise<void> {
  const next_look = purpose === 'OUTSIDE' ? null : context.now() + FIRST_LOOK_SECONDS
  await patchAttempt(db, id, { state: 'DEAD', ...NO_BLOCK, proof, next_look, looks: 0 })
}

/** None of the signatures can take effect: what was given up ends, and what is wanted may be signed once more. */
async function died(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  versions: Versions,
  message: string,
): Promise<TransactionRow | undefined> {
  if (isOutside(row)) return await failIn(context, db, row, 'TX_EXPIRED', `It can take effect no more: ${message}`)
  if (row.origin === 'daemon') return await failIn(context, db, row, 'CHAIN_ERROR', message)
  if (row.closing !== null) return await closed(context, db, row, { fee: 0n, message })
  const made = (await attemptsOf(db, row.id)).filter(({ replaces, purpose }) => replaces === null && purpose !== 'FILL')
  if (made.length >= context.settings.maxSignatures) return await failIn(context, db, row, 'CHAIN_ERROR', message)
  const change = { id: row.id, from: row.status, at: context.now() }
  const event = { type: 'TX_SIGNATURE_DEAD', actor: 'daemon', data: { hash: versions.at(-1)!.hash, message } }
  const submitted = row.status === 'SIGNED' ? await move(db, { ...change, to: 'SUBMITTED' }, {}) : row
  if (submitted === undefined) return undefined
  return await move(db, { ...change, from: 'SUBMITTED', to: 'EXECUTING' }, OVER, event)
}

/** What was given up has ended for good, and was not paid: cancelled, or failed for the reason that it was given up for. */
async function closed(
  context: Context,
  db: Context['db'],
  row: TransactionRow,
  { fee, ...data }: { fee: bigint; hash?: string; message?: string },
): Promise<TransactionRow | undefined> {
  if (row.status !== 'SIGNED' && row.status !== 'SUBMITTED') return undefined
  await commit(db, row.id, { fee, spent: false, at: context.now() })
  const closing = readClosing(row) ?? { reason: 'cancel', code: null, message: '' }
  const isCancelled = closing.reason === 'cancel'
  const error = closing.code === null ? {} : { error_code: closing.code, error_message: closing.message }
  const eventData = { ...data, fee: fee.toString(), reason: closing.reason }
  return await move(
    db,
    { id: row.id, from: row.status, to: isCancelled ? 'CANCELLED' : 'FAILED', at: context.now() },
    { ...OVER, ...error, fee: fee.toString(), ...(data.hash === undefined ? {} : { hash: data.hash }) },
    { type: isCancelled ? 'TX_CANCELLED' : 'TX_FAILED', actor: 'daemon', data: eventData },
  )
}

/** A gap that was filled on behalf of another transaction, by an older version of the daemon. */
async function bookOldFill(context: Context, db: Context['db'], row: TransactionRow, { fee }: Result): Promise<void> {
  const owner = { transactionId: row.id, agentId: row.agent_id, at: context.now() }
  await addFillFee(db, owner, nativeAsset(row.network), fee)
}
