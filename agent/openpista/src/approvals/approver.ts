import type { ToolCall } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { Risk } from '../tools/tool.ts'

/** Everything an approver may judge by. `untrusted`: who else's words are in the session's context. */
export type ApprovalQuestion = {
  sessionId: string
  turnId: string
  channel: string
  call: ToolCall
  summary: string
  scope: string
  risk: Risk
  /** Who asked for it: the message that started the turn. */
  sender: Provenance
  untrusted: readonly Provenance[]
  /** The worker that asks, by its name; absent: the session's own agent. */
  worker?: string
  /** Why a person is asked although a rule might allow it, in words for the card. */
  note?: string
}

/** `by` says who decided, for the log: `rule:<name>`, `owner:<channel>`, `timeout`. */
export type ApprovalAnswer =
  | { decision: 'allow'; by: string }
  | { decision: 'allow_for_session'; by: string }
  | { decision: 'deny'; by: string; reason: string }

/** One link of the chain. `undefined` passes the question on; the end of the chain denies. */
export type Approver = {
  ask: (question: ApprovalQuestion, signal: AbortSignal) => Promise<ApprovalAnswer | undefined>
}
