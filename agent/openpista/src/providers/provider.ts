import type { Message, ThinkingPart, ToolCall } from '../domain/message.ts'
import type { Usage } from '../domain/model-info.ts'

/** A tool as a model sees it. `parameters` is JSON Schema. */
export type ToolSpec = { name: string; description: string; parameters: Record<string, unknown> }

export type ModelRequest = { model: string; system: string; messages: readonly Message[]; tools: readonly ToolSpec[] }

export type ProviderErrorCode =
  | 'AUTH'
  | 'RATE_LIMIT'
  | 'OVERLOADED'
  | 'NETWORK'
  | 'BAD_REQUEST'
  | 'BAD_RESPONSE'
  | 'ABORTED'

/** The last event of a stream is `done` or `error`, and nothing comes after it. */
export type ProviderEvent =
  | { type: 'text'; delta: string }
  | { type: 'thinking'; delta: string }
  | { type: 'done'; text: string; thinking: ThinkingPart[]; calls: ToolCall[]; usage: Usage }
  | { type: 'error'; code: ProviderErrorCode; message: string; retryAfterMs?: number }

/** A model provider. `stream` never throws: a failure is the stream's last event. */
export type Provider = {
  id: string
  stream: (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ProviderEvent>
}
