import type { Broadcast, ChainAdapter, SentAttempt } from '../chains/chain-adapter.ts'
import type { AttemptRow } from '../store/attempts.ts'
import type { TransactionRow } from '../store/transactions.ts'
import type { Context } from './parts.ts'

/** Whose bytes they are. */
export type Sender = Pick<TransactionRow, 'agent_id' | 'origin'>

/**
 * What came of handing bytes over. `left` false: no transport has had them in this call. Nothing else proves that
 * they are not out.
 */
export type HandedOver = { left: boolean; answer: Broadcast }

/**
 * The only way for signed bytes to leave. Kill switch and agent are asked in the same turn as each write to a node.
 * What ends a payment, and what pays the owner, may leave while the agent may not spend.
 */
export async function broadcast(
  context: Context,
  adapter: ChainAdapter,
  attempt: AttemptRow,
  sender: Sender,
): Promise<HandedOver> {
  const spends = attempt.purpose === 'PAYMENT' && sender.origin === 'session'
  const startAt = context.handOvers.note(attempt.id, context.clock.millis())
  let left = false
  const mayLeave = () => {
    const may = context.lock.mayLeave(sender.agent_id, spends)
    left ||= may
    return may
  }
  const answer = await adapter.broadcast(sentAttempt(attempt), { mayLeave, startAt })
  const accepted = answer.kind === 'accepted'
  context.handOvers.answered(
    attempt.id,
    answer.kind === 'accepted'
      ? { accepted }
      : { accepted, words: answer.message, wants: answer.wants, unheard: answer.unheard },
  )
  if (answer.kind !== 'accepted') {
    context.log.warn({ network: attempt.network, hash: attempt.hash, left }, answer.message)
  }
  return { left, answer }
}

/** An attempt as chains see it. */
export function sentAttempt(attempt: AttemptRow): SentAttempt {
  const number = (text: string | null) => (text === null ? null : BigInt(text))
  return {
    raw: attempt.raw,
    hash: attempt.hash,
    sequence: number(attempt.sequence),
    validUntil: number(attempt.valid_until),
    origin: number(attempt.origin),
    from: attempt.address,
  }
}
