import type { ChainAdapter, Proof, Trace } from '../chains/chain-adapter.ts'
import { suspendAgent } from '../store/agents.ts'
import { type AttemptRow, attemptsOf, dueLooks, patchAttempt } from '../store/attempts.ts'
import { appendEvent } from '../store/events.ts'
import { holdAccount } from '../store/lanes.ts'
import { bookAgain } from '../store/ledger.ts'
import { findTransaction } from '../store/transactions.ts'
import type { Context } from './parts.ts'
import { readProof } from './stored-proof.ts'

/** From the proof that bytes are dead to the first look at every node. */
export const FIRST_LOOK_SECONDS = 60
/** From each look to the next; then daily, until a week is over. */
const PAUSES = [540, 3_000, 18_000]
const DAY = 86_400
const WATCHED_SECONDS = 7 * DAY

export type Watch = {
  /** Asks every node about bytes that were called dead, when it is time. One that turns up in a block is an alarm. */
  runDue: () => Promise<void>
}

/**
 * Watches what was called dead. A proof rests on what one node showed; where it was wrong, a payment was made twice,
 * and somebody has to know at once.
 */
export function createWatch(context: Context): Watch {
  return {
    runDue: async () => {
      const due = await dueLooks(context.db, context.now())
      for (const [network, attempts] of Map.groupBy(due, (attempt) => attempt.network)) {
        const adapter = context.adapters.get(network)
        if (adapter !== undefined) await look(context, adapter, attempts)
      }
    },
  }
}

async function look(context: Context, adapter: ChainAdapter, attempts: readonly AttemptRow[]): Promise<void> {
  const asked = await adapter.traces(attempts.map(({ hash }) => hash))
  const gone = await proofsGone(adapter, attempts)
  if (!asked.ok || gone === undefined) return
  for (const attempt of attempts) {
    const trace = asked.found.find(({ hash }) => hash === attempt.hash)
    if (trace !== undefined && (await siblingStands(context, adapter, attempt))) await lookAgainLater(context, attempt)
    else if (trace !== undefined) await alarm(context, attempt, { ...trace, isPaid: true })
    else if (gone.has(attempt.id)) await alarm(context, attempt, { ...proofOf(attempt)!, isPaid: false })
    else await lookAgainLater(context, attempt)
  }
}

/** Attempts whose proof rests on a block that counted as final and is not there any more. */
async function proofsGone(adapter: ChainAdapter, attempts: readonly AttemptRow[]): Promise<Set<string> | undefined> {
  const proven = attempts.filter((attempt) => proofOf(attempt) !== undefined)
  if (adapter.standing === undefined || proven.length === 0) return new Set()
  const asked = await adapter.standing(proven.map((attempt) => proofOf(attempt)!.block))
  return asked.ok ? new Set(proven.flatMap(({ id }, index) => (asked.standing[index] ? [] : [id]))) : undefined
}

/** Whether another version under the same nonce is in a block for good: then a node that shows this one is wrong. */
async function siblingStands(context: Context, adapter: ChainAdapter, attempt: AttemptRow): Promise<boolean> {
  if (attempt.sequence === null || adapter.standing === undefined) return false
  const made = await attemptsOf(context.db, attempt.transaction_id)
  const sibling = made.find(({ sequence, state }) => sequence === attempt.sequence && state === 'FINAL')
  if (sibling === undefined || sibling.block_hash === null) return false
  const asked = await adapter.standing([{ number: BigInt(sibling.block_number!), hash: sibling.block_hash }])
  return asked.ok && asked.standing[0] === true
}

function proofOf({ proof }: AttemptRow): Proof | undefined {
  return proof === null ? undefined : readProof(proof)
}

async function lookAgainLater(context: Context, attempt: AttemptRow): Promise<void> {
  await context.write((db) => patchAttempt(db, attempt.id, later(context, attempt)))
}

function later(context: Context, attempt: AttemptRow): Pick<AttemptRow, 'next_look' | 'looks'> {
  const now = context.now()
  const pause = PAUSES[attempt.looks] ?? DAY
  const since = attempt.created_at
  const watchedUntil = context.clock.ends({ since, until: since + WATCHED_SECONDS })
  // One look after each start, however late; a week after it was signed that was the last.
  const next_look = now + pause > watchedUntil ? null : now + pause
  return { next_look, looks: attempt.looks + 1 }
}

/**
 * Bytes that were called dead are in a block, or the block that proved them dead is gone: the agent and its account
 * stop. What was paid is booked; what nothing proves dead any more is watched further.
 */
async function alarm(
  context: Context,
  attempt: AttemptRow,
  { node, block, isPaid }: Pick<Trace, 'node' | 'block'> & { isPaid: boolean },
): Promise<void> {
  const { network, address, hash, transaction_id } = attempt
  const what = isPaid
    ? `${hash} was called dead and is in block ${block.number} of ${network}, says ${node}. The payment may have been made twice.`
    : `Block ${block.number} of ${network}, which proved ${hash} dead, is gone. The payment may be made twice.`
  const message = `${what} The agent is suspended, and nothing is signed for its account until it is released.`
  context.log.error({ network, hash, node, transactionId: transaction_id }, message)
  const row = await findTransaction(context.db, transaction_id)
  if (row === undefined) return
  context.lock.stopAgent(row.agent_id)
  await context.write(async (db) => {
    const now = context.now()
    const whose = { agentId: row.agent_id, transactionId: row.id }
    const data = { level: 'CRITICAL', hash, node, block: block.number.toString(), message }
    const type = isPaid ? 'DEAD_TRANSACTION_FOUND' : 'PROOF_GONE'
    await appendEvent(db, now, { type, actor: 'daemon', ...whose, data })
    await suspendAgent(db, now, row.agent_id, { actor: 'daemon', why: message })
    await holdAccount(db, network, address, message)
    await patchAttempt(
      db,
      attempt.id,
      isPaid ? { state: 'FINAL', next_look: null } : { proof: null, ...later(context, attempt) },
    )
    if (isPaid && attempt.purpose === 'PAYMENT') await bookAgain(db, row.id, now)
  })
}
