import { z } from 'zod'
import { Card, CardOutcome, SourceView } from './card.ts'

export const PROTOCOL_VERSION = 1

const SessionId = z.string().min(1).max(200)

/** What a client says. One JSON object a frame, at most 1 MiB. */
export const ClientFrame = z.discriminatedUnion('type', [
  /**
   * First frame. `sessionId`: the session to watch, else the client's own. `lastSeq`: the highest sequence
   * number this client has seen of that session; what came after is sent again.
   */
  z.object({
    type: z.literal('hello'),
    protocol: z.literal(PROTOCOL_VERSION),
    clientId: z.string().min(1).max(100),
    sessionId: SessionId.optional(),
    lastSeq: z.number().int().min(0).optional(),
  }),
  /** `id` is made by the client and is the same over resends: a message is taken once. */
  z.object({ type: z.literal('message'), id: z.string().min(1).max(100), text: z.string().min(1).max(200_000) }),
  z.object({
    type: z.literal('approval.answer'),
    cardId: z.string(),
    decision: z.enum(['approve', 'reject', 'allow_for_session']),
  }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('session.list') }),
  z.object({ type: z.literal('session.new') }),
  z.object({ type: z.literal('session.open'), sessionId: SessionId }),
  z.object({ type: z.literal('session.delete'), sessionId: SessionId }),
  z.object({ type: z.literal('ping'), nonce: z.string().max(100) }),
])
export type ClientFrame = z.infer<typeof ClientFrame>

export const ToolCallView = z.object({
  callId: z.string(),
  name: z.string(),
  /** One line for a person: `uname -a`. */
  summary: z.string(),
  arguments: z.record(z.string(), z.unknown()),
})

export const HistoryItem = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('user'),
    messageId: z.string(),
    text: z.string(),
    source: SourceView,
    at: z.number().int(),
  }),
  z.object({ kind: z.literal('assistant'), turnId: z.string(), text: z.string(), at: z.number().int() }),
  z.object({
    kind: z.literal('tool'),
    turnId: z.string(),
    call: ToolCallView,
    output: z.string(),
    isError: z.boolean(),
    /** Nothing was said after it: its output is the answer. */
    isAnswer: z.boolean().optional(),
    at: z.number().int(),
  }),
  z.object({ kind: z.literal('card'), card: Card, outcome: CardOutcome.optional(), at: z.number().int() }),
  z.object({
    kind: z.literal('notice'),
    text: z.string(),
    tone: z.enum(['info', 'success', 'warning', 'error']),
    at: z.number().int(),
  }),
])
export type HistoryItem = z.infer<typeof HistoryItem>

export const SessionView = z.object({
  id: z.string(),
  title: z.string(),
  channel: z.string(),
  updatedAt: z.number().int(),
})
export type SessionView = z.infer<typeof SessionView>

/** Of one turn, numbered per session: `seq` grows by one, and a client that reconnects misses none. */
const numbered = { sessionId: SessionId, seq: z.number().int().positive() }

/** What happens in a session; stored frames are sent again after a reconnect. */
export const SessionFrame = z.discriminatedUnion('type', [
  z.object({
    ...numbered,
    type: z.literal('message.stored'),
    messageId: z.string(),
    text: z.string(),
    source: SourceView,
  }),
  z.object({ ...numbered, type: z.literal('turn.started'), turnId: z.string(), messageId: z.string() }),
  z.object({ ...numbered, type: z.literal('text.delta'), turnId: z.string(), text: z.string() }),
  z.object({ ...numbered, type: z.literal('tool.started'), turnId: z.string(), call: ToolCallView }),
  z.object({ ...numbered, type: z.literal('tool.output'), turnId: z.string(), callId: z.string(), text: z.string() }),
  z.object({
    ...numbered,
    type: z.literal('tool.finished'),
    turnId: z.string(),
    callId: z.string(),
    output: z.string(),
    isError: z.boolean(),
  }),
  z.object({ ...numbered, type: z.literal('approval.requested'), turnId: z.string().optional(), card: Card }),
  z.object({
    ...numbered,
    type: z.literal('approval.resolved'),
    cardId: z.string(),
    outcome: CardOutcome,
    by: z.string(),
  }),
  /**
   * `text`: the whole answer of the turn, for clients that do not stream. `answeredBy`: the tool call whose output this
   * answer is; a client that shows tool calls has shown it already.
   */
  z.object({
    ...numbered,
    type: z.literal('turn.finished'),
    turnId: z.string(),
    status: z.enum(['stop', 'error', 'aborted', 'limit']),
    text: z.string(),
    answeredBy: z.string().optional(),
  }),
  z.object({
    ...numbered,
    type: z.literal('notice'),
    text: z.string(),
    tone: z.enum(['info', 'success', 'warning', 'error']),
  }),
])
export type SessionFrame = z.infer<typeof SessionFrame>

/** What the gateway says to one client besides session frames. */
export const ControlFrame = z.discriminatedUnion('type', [
  /** Answer to hello and session.open. `history` is complete up to `seq`; frames after it follow. */
  z.object({
    type: z.literal('welcome'),
    protocol: z.literal(PROTOCOL_VERSION),
    sessionId: SessionId,
    seq: z.number().int().min(0),
    /** Present unless `lastSeq` could be served by replaying frames. */
    history: z.array(HistoryItem).optional(),
    running: z.boolean(),
    model: z.string().optional(),
    hint: z.string().optional(),
  }),
  z.object({ type: z.literal('message.accepted'), id: z.string(), duplicate: z.boolean() }),
  z.object({ type: z.literal('session.listed'), sessions: z.array(SessionView) }),
  z.object({ type: z.literal('pong'), nonce: z.string() }),
  z.object({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    id: z.string().optional(),
  }),
])
export type ControlFrame = z.infer<typeof ControlFrame>

export const ServerFrame = z.union([SessionFrame, ControlFrame])
export type ServerFrame = z.infer<typeof ServerFrame>
