import type { Card, HistoryItem, ServerFrame } from 'openpista/protocol'

/**
 * A frame from the gateway, or `undefined` for what this client does not know. Fields that it does not use may be
 * missing or new, so that an older page goes on with a newer gateway; fields that it relies on are checked.
 */
export function parseServerFrame(data: unknown): ServerFrame | undefined {
  const value = typeof data === 'string' ? parseJson(data) : undefined
  if (!isRecord(value) || typeof value.type !== 'string' || !Object.hasOwn(shapes, value.type)) return undefined
  return fits(value, shapes[value.type as ServerFrame['type']]) ? (value as ServerFrame) : undefined
}

type Check = (value: unknown) => boolean
type Shape = Readonly<Record<string, Check>>

const text: Check = (value) => typeof value === 'string'
const truth: Check = (value) => typeof value === 'boolean'
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const record =
  (shape: Shape): Check =>
  (value) =>
    isRecord(value) && fits(value, shape)
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string)

const source = record({ trusted: truth, label: text, detail: optional(text) })
const call = record({ callId: text, name: text, summary: text })
const tone = oneOf('info', 'success', 'warning', 'error')
const outcome = oneOf('approved', 'rejected', 'allowed_for_session', 'expired', 'cancelled', 'executed', 'failed')

const card = record({
  id: text,
  kind: oneOf('tool', 'limit', 'payment'),
  title: text,
  facts: listOf(record({ label: text, value: text })),
  reason: text,
  sources: listOf(source),
  buttons: listOf(record({ decision: text, label: text, url: optional(text) })),
  shortCode: optional(text),
  expiresAt: count,
} satisfies Record<keyof Card, Check>)

const historyShapes: Record<HistoryItem['kind'], Shape> = {
  user: { messageId: text, text, source },
  assistant: { turnId: text, text },
  tool: { turnId: text, call, output: text, isError: truth, isAnswer: optional(truth) },
  card: { card, outcome: optional(outcome) },
  notice: { text, tone },
}

const historyItem: Check = (value) =>
  isRecord(value) &&
  Object.hasOwn(historyShapes, `${value.kind}`) &&
  fits(value, historyShapes[value.kind as HistoryItem['kind']])

const numbered = { sessionId: text, seq: count }

const shapes: Record<ServerFrame['type'], Shape> = {
  'message.stored': { ...numbered, messageId: text, text, source },
  'turn.started': { ...numbered, turnId: text },
  'text.delta': { ...numbered, turnId: text, text },
  'tool.started': { ...numbered, turnId: text, call },
  'tool.output': { ...numbered, turnId: text, callId: text, text },
  'tool.finished': { ...numbered, turnId: text, callId: text, output: text, isError: truth },
  'approval.requested': { ...numbered, card },
  'approval.resolved': { ...numbered, cardId: text, outcome, by: text },
  'turn.finished': {
    ...numbered,
    turnId: text,
    status: oneOf('stop', 'error', 'aborted', 'limit'),
    text,
    answeredBy: optional(text),
  },
  notice: { ...numbered, text, tone },
  welcome: {
    sessionId: text,
    seq: count,
    history: optional(listOf(historyItem)),
    running: truth,
    model: optional(text),
    hint: optional(text),
  },
  'message.accepted': { id: text },
  'session.listed': { sessions: listOf(record({ id: text, title: text, channel: text, updatedAt: count })) },
  pong: { nonce: text },
  error: { code: text, message: text, hint: optional(text), id: optional(text) },
}

function fits(value: Record<string, unknown>, shape: Shape): boolean {
  return Object.entries(shape).every(([field, check]) => check(value[field]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    // No JSON is no frame.
    return undefined
  }
}
