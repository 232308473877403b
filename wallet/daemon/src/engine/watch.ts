import type { ChainAdapter, Trace } from '../chains/chain-adapter.ts'
import { suspendAgent } from '../store/agents.ts'
import { type AttemptRow, attemptsOf, dueLooks, patchAttempt } from '../store/attempts.ts'
import { appendEvent } from '../store/events.ts'
import { holdAccount } from '../store/lanes.ts'
import { bookAgain } from '../store/ledger.ts'
import { findTransaction } from '../store/transactions.ts'
import type { Context } from './parts.ts'

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
  if (!asked.ok) return
  for (const attempt of attempts) {
    const trace = asked.found.find(({ hash }) => hash === attempt.hash)
    if (trace === undefined) await lookAgainLater(context, attempt)
    else await alarm(context, attempt, trace)
  }
}

async function lookAgainLater(context: Context, attempt: AttemptRow): Promise<void> {
  const now = context.now()
  const pause = PAUSES[attempt.looks] ?? DAY
  // One look after each start, however late; a week after it was signed that was the last.
  const next_look = now + pause > attempt.created_at + WATCHED_SECONDS ? null : now + pause
  await context.write((db) => patchAttempt(db, attempt.id, { next_look, looks: attempt.looks + 1 }))
}

/** Bytes that were called dead are in a block: the agent and its account stop, and the payment is booked. */
async function alarm(context: Context, attempt: AttemptRow, trace: Trace): Promise<void> {
  const { network, address, hash, transaction_id } = attempt
  const message =
    `${hash} was called dead and is in block ${trace.block.number} of ${network}, says ${trace.node}. ` +
    'The payment may have been made twice. The agent is suspended, and nothing is signed for its account until it is released.'
  context.log.error({ network, hash, node: trace.node, transactionId: transaction_id }, message)
  const row = await findTransaction(context.db, transaction_id)
  if (row === undefined) return
  context.lock.stopAgent(row.agent_id)
  await context.write(async (db) => {
    const now = context.now()
    const whose = { agentId: row.agent_id, transactionId: row.id }
    const data = { level: 'CRITICAL', hash, node: trace.node, block: trace.block.number.toString(), message }
    await appendEvent(db, now, { type: 'DEAD_TRANSACTION_FOUND', actor: 'daemon', ...whose, data })
    await suspendAgent(db, now, row.agent_id, { actor: 'daemon', why: message })
    await holdAccount(db, network, address, message)
    await patchAttempt(db, attempt.id, { state: 'FINAL', next_look: null })
    const others = (await attemptsOf(db, row.id)).filter(({ id, state }) => id !== attempt.id && state === 'FINAL')
    if (attempt.purpose === 'PAYMENT' && (others.length > 0 || row.status !== 'CONFIRMED'))
      await bookAgain(db, row.id, now)
  })
}
