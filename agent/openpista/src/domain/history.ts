import { newestImages } from './images.ts'
import type { Message, ToolCall } from './message.ts'
import { isTrusted, type Provenance } from './provenance.ts'

export const INTERRUPTED = 'Interrupted: the call was not finished and has no result.'

/** Characters of one tool result that an older turn keeps in the context. */
const TOOL_RESULT_CHARS = 16_000

/** How much of a conversation goes to the model. */
export type ContextBudget = { messages: number; chars: number }

/** Calls of the last assistant message that have no result yet, in order. */
export function unansweredCalls(messages: readonly Message[]): ToolCall[] {
  const last = messages.findLastIndex((message) => message.role === 'assistant')
  const asked = messages[last]
  if (asked?.role !== 'assistant') return []
  const answered = new Set(
    messages.slice(last + 1).flatMap((message) => (message.role === 'tool' ? message.callId : [])),
  )
  return asked.calls.filter((call) => !answered.has(call.id))
}

/** The result of a call that was begun or planned and never ended. */
export function interrupted(call: ToolCall, words: string = INTERRUPTED): Extract<Message, { role: 'tool' }> {
  return {
    role: 'tool',
    callId: call.id,
    name: call.name,
    output: words,
    isError: true,
    images: [],
    provenance: { kind: 'system' },
  }
}

/**
 * The part of a conversation that is sent to a model, valid for every provider: it starts with a user message,
 * every tool call is followed at once by exactly one result, and no result stands without its call.
 * The newest messages are kept; the cut moves forward to a user message. Calls of a last assistant message that
 * nothing but results follows stay open: the loop does them first.
 */
export function replay(messages: readonly Message[], budget: ContextBudget): Message[] {
  return trim(repair(messages).map(shorten), budget)
}

/** What goes into one request: the conversation while it fits, else the part that `replay` keeps; the newest images. */
export function fit(messages: readonly Message[], budget: ContextBudget): readonly Message[] {
  const chars = messages.reduce((sum, message) => sum + sizeOf(message), 0)
  const fits = messages.length <= budget.messages && chars <= budget.chars
  return newestImages(fits ? messages : replay(messages, budget))
}

/** Puts every result behind its call, fills in the missing ones and drops strays. An open end stays open. */
export function repair(messages: readonly Message[]): Message[] {
  const repaired: Message[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') continue
    repaired.push(message)
    if (message.role !== 'assistant') continue
    const following = messages.slice(index + 1)
    const next = following.findIndex(({ role }) => role !== 'tool')
    const results = resultsIn(next === -1 ? following : following.slice(0, next))
    for (const call of message.calls) {
      const result = results.get(call.id)
      if (result !== undefined) repaired.push(result)
      else if (next !== -1) repaired.push(interrupted(call))
    }
  }
  return repaired
}

/** Everybody but the owner and the program whose words stand in the conversation, and `earlier` ones, each once. */
export function untrustedSources(messages: readonly Message[], earlier: readonly Provenance[] = []): Provenance[] {
  const found = new Map(earlier.map((provenance) => [JSON.stringify(provenance), provenance]))
  for (const message of messages) {
    for (const provenance of provenances(message)) {
      if (!isTrusted(provenance)) found.set(JSON.stringify(provenance), provenance)
    }
  }
  return [...found.values()]
}

function provenances(message: Message): Provenance[] {
  if (message.role === 'user') return message.parts.map((part) => part.provenance)
  if (message.role === 'tool') {
    return [message.provenance, ...(message.alsoFrom ?? []), ...message.images.map((image) => image.provenance)]
  }
  return []
}

function resultsIn(messages: readonly Message[]): Map<string, Message> {
  const results = new Map<string, Message>()
  for (const message of messages) {
    if (message.role === 'tool' && !results.has(message.callId)) results.set(message.callId, message)
  }
  return results
}

function shorten(message: Message): Message {
  if (message.role !== 'tool' || message.output.length <= TOOL_RESULT_CHARS) return message
  const cut = message.output.length - TOOL_RESULT_CHARS
  const rest = `output.read with call "${message.callId}" and offset ${TOOL_RESULT_CHARS} reads on`
  return { ...message, output: `${message.output.slice(0, TOOL_RESULT_CHARS)}\n[${cut} more characters cut; ${rest}]` }
}

function trim(messages: readonly Message[], budget: ContextBudget): Message[] {
  let chars = 0
  let start = messages.length
  while (start > 0 && messages.length - start < budget.messages) {
    chars += sizeOf(messages[start - 1]!)
    if (chars > budget.chars) break
    start--
  }
  const cut = messages.findIndex((message, index) => index >= start && message.role === 'user')
  if (cut !== -1) return messages.slice(cut)
  const newest = messages.findLastIndex((message) => message.role === 'user')
  return newest === -1 ? [] : messages.slice(newest)
}

/** Characters of a message that count against the budget. */
export function sizeOf(message: Message): number {
  if (message.role === 'tool') return message.output.length
  if (message.role === 'assistant') return message.text.length + JSON.stringify(message.calls).length
  return message.parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)
}
