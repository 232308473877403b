import type { ModelRequest, ProviderEvent } from '../providers/provider.ts'

/** What a scripted model says to a request; tests write it as a function. */
export type Script = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ProviderEvent>

/** Says back what the user said last, word by word. */
export const echo: Script = async function* (request) {
  const text = lastUserText(request)
  for (const word of text.split(/(?<= )/)) yield { type: 'text', delta: word }
  yield { type: 'done', text, thinking: [], calls: [], usage: { inputTokens: 1, outputTokens: 1 } }
}

export function lastUserText({ messages }: ModelRequest): string {
  const last = messages.findLast((message) => message.role === 'user')
  const part = last?.role === 'user' ? last.parts[0] : undefined
  return part?.type === 'text' ? part.text : ''
}

/** An answer that is one tool call. */
export async function* callTool(
  name: string,
  args: Record<string, unknown>,
  id = 'call_1',
): AsyncIterable<ProviderEvent> {
  const calls = [{ id, name, arguments: args }]
  yield { type: 'done', text: '', thinking: [], calls, usage: { inputTokens: 1, outputTokens: 1 } }
}

/** An answer that is text. */
export async function* sayText(text: string): AsyncIterable<ProviderEvent> {
  yield { type: 'text', delta: text }
  yield { type: 'done', text, thinking: [], calls: [], usage: { inputTokens: 1, outputTokens: 1 } }
}
