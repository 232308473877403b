import type { ToolCall } from '../domain/message.ts'
import type { Journal } from '../loop.ts'
import { appendAudit } from './audit.ts'
import { appendMessage, appendNotice, type Notice } from './conversation.ts'
import type { Transaction } from './store.ts'
import { recordUsage } from './usage.ts'

type Work = (transaction: Transaction) => Promise<void>

/** The journal of one turn, in the database. What need not be durable at once waits for the next commit. */
export type TurnJournal = Journal & {
  /** A text for people joins the conversation. May be kept back like a message. */
  notice: (notice: Notice) => void
  /** Stores everything kept back and `work`, in one transaction. */
  commit: (work: Work) => Promise<void>
}

export type TurnJournalParts = {
  sessionId: string
  turnId: string
  /** Stores, then publishes the session's frames so far. */
  commit: (work: Work) => Promise<void>
  now: () => number
}

export function createTurnJournal({ sessionId, turnId, commit, now }: TurnJournalParts): TurnJournal {
  const kept: Work[] = []
  const entry = () => ({ sessionId, turnId, at: now() })

  async function commitAll(work: Work): Promise<void> {
    const works = [...kept]
    await commit(async (transaction) => {
      for (const earlier of works) await earlier(transaction)
      await work(transaction)
    })
    kept.splice(0, works.length)
  }

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
      kept.push((transaction) => appendMessage(transaction, at, message))
      if (message.role !== 'assistant') return
      kept.push(async (transaction) => {
        for (const call of message.calls) await insertCall(transaction, at, call)
      })
    },
    used: async ({ provider, model }, usage) => {
      if (usage.inputTokens + usage.outputTokens === 0) return
      const answer = { sessionId, turnId, provider: provider.id, model, usage, at: now() }
      kept.push((transaction) => recordUsage(transaction, answer))
    },
    notice: (notice) => {
      const at = entry()
      kept.push((transaction) => appendNotice(transaction, at, notice))
    },
    decided: async (call, answer) => {
      kept.push(move(call, { decided_by: answer.by }))
      const reason = answer.decision === 'deny' ? { reason: answer.reason } : {}
      const { decision, by } = answer
      kept.push(audit('tool.decided', call, { arguments: call.arguments, decision, by, ...reason }))
    },
    starting: async (call) => {
      kept.push(audit('tool.started', call, {}))
      await commitAll(move(call, { state: 'STARTED' }))
    },
    finished: async (call, result, state) => {
      const at = entry()
      kept.push((transaction) => appendMessage(transaction, at, result))
      kept.push(audit('tool.finished', call, { state, isError: result.isError }))
      await commitAll(move(call, { state, output: result.output, is_error: result.isError ? 1 : 0 }))
    },
    commit: commitAll,
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
