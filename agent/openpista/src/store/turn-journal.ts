import type { ToolCall } from '../domain/message.ts'
import type { Journal } from '../loop.ts'
import { appendAudit } from './audit.ts'
import { appendMessage, appendNotice, type Notice } from './conversation.ts'
import type { Transaction } from './store.ts'
import { recordUsage } from './usage.ts'

type Work = (transaction: Transaction) => Promise<void>

/** The journal of one turn, in the database. */
export type TurnJournal = Journal & {
  /** A text for people joins the conversation. May be kept back like a message. */
  notice: (notice: Notice) => void
  /** Stores everything kept back and `work`, in one transaction. */
  commit: (work: Work) => Promise<void>
}

export type TurnJournalParts = {
  sessionId: string
  turnId: string
  /** Of the session: what is given to `later` is stored soon, in order, and at the latest with the next `commit`. */
  log: { later: (work: Work) => void; commit: (work: Work) => Promise<void> }
  now: () => number
}

/**
 * Nothing with a side effect starts before everything that led to it is on disk, and its end is on disk before the
 * turn goes on. What only looks waits for neither: after a crash it is done again.
 */
export function createTurnJournal({ sessionId, turnId, log, now }: TurnJournalParts): TurnJournal {
  const entry = () => ({ sessionId, turnId, at: now() })
  /** Calls whose start is on disk. */
  const started = new Set<string>()

  const audit = (type: string, call: ToolCall, data: Record<string, unknown>): Work => {
    const at = now()
    return (transaction) =>
      appendAudit(transaction, at, { type, sessionId, data: { turnId, callId: call.id, tool: call.name, ...data } })
  }

  const move = (call: ToolCall, change: CallChange): Work => {
    const updated_at = now()
    return async (transaction) => {
      await transaction
        .updateTable('tool_calls')
        .set({ ...change, updated_at })
        .where('id', '=', callKey(turnId, call.id))
        .execute()
    }
  }

  return {
    append: async (message) => {
      const at = entry()
      log.later((transaction) => appendMessage(transaction, at, message))
      if (message.role !== 'assistant') return
      log.later(async (transaction) => {
        for (const call of message.calls) await insertCall(transaction, at, call)
      })
    },
    used: async ({ provider, model }, usage) => {
      if (usage.inputTokens + usage.outputTokens === 0) return
      const answer = { sessionId, turnId, provider: provider.id, model, usage, at: now() }
      log.later((transaction) => recordUsage(transaction, answer))
    },
    notice: (notice) => {
      const at = entry()
      log.later((transaction) => appendNotice(transaction, at, notice))
    },
    decided: async (call, answer) => {
      log.later(move(call, { decided_by: answer.by }))
      const reason = answer.decision === 'deny' ? { reason: answer.reason } : {}
      const { decision, by } = answer
      log.later(audit('tool.decided', call, { arguments: call.arguments, decision, by, ...reason }))
    },
    starting: async (call, tool) => {
      log.later(audit('tool.started', call, {}))
      const start = move(call, { state: 'STARTED' })
      // A key against doing it twice is made of the call: one that has no row yet would get another after a crash.
      if (tool.repeatable && tool.risk === 'read') return log.later(start)
      await log.commit(start)
      started.add(call.id)
    },
    finished: async (call, result, state) => {
      const at = entry()
      log.later((transaction) => appendMessage(transaction, at, result))
      log.later(audit('tool.finished', call, { state, isError: result.isError }))
      const end = move(call, { state, output: result.output, is_error: result.isError ? 1 : 0 })
      if (started.has(call.id)) await log.commit(end)
      else log.later(end)
    },
    commit: log.commit,
  }
}

type CallChange = {
  state?: 'STARTED' | 'FINISHED' | 'DENIED' | 'INTERRUPTED'
  decided_by?: string
  output?: string
  is_error?: 0 | 1
}

/** Key of a call's row: models number their calls anew in every conversation. */
export function callKey(turnId: string, callId: string): string {
  return `${turnId}/${callId}`
}

async function insertCall(
  transaction: Transaction,
  { sessionId, turnId, at }: { sessionId: string; turnId: string; at: number },
  call: ToolCall,
): Promise<void> {
  await transaction
    .insertInto('tool_calls')
    .values({
      id: callKey(turnId, call.id),
      turn_id: turnId,
      session_id: sessionId,
      name: call.name,
      arguments: JSON.stringify(call.arguments),
      state: 'ASKED',
      decided_by: null,
      output: null,
      is_error: null,
      created_at: at,
      updated_at: at,
    })
    .execute()
}
