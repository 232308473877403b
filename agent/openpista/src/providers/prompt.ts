import { createHash } from 'node:crypto'
import type { ImagePart, Message, ThinkingPart } from '../domain/message.ts'
import type { LanguageModel, LanguageModelOptions } from './library.ts'
import { wireToolName } from './tool-names.ts'

export type Prompt = LanguageModelOptions['prompt']
type Metadata = NonNullable<Prompt[number]['providerOptions']>
type UserContent = Extract<Prompt[number], { role: 'user' }>['content']
type AssistantContent = Extract<Prompt[number], { role: 'assistant' }>['content']
type ResultOutput = Extract<
  Extract<Prompt[number], { role: 'tool' }>['content'][number],
  { type: 'tool-result' }
>['output']

/** What the wire formats disagree about. */
export type Dialect = {
  /** Whether reasoning goes back to the model. */
  thinking: 'replayed' | 'left out'
  /** Whether a tool result may hold images; else they follow as a user message. */
  toolImages: 'inside' | 'after'
  /** Options that mark the end of what may be cached; `null` where the service caches by itself. */
  cacheMark: Metadata | null
}

/** Where a reasoning block stood in its answer, and what the service wants back with it. */
export type ThinkingSource = { model: string; metadata: Metadata; textAt: number; callsAt: number }

/** The conversation in the order of the wire. */
export function toPrompt(
  id: string,
  { modelId }: LanguageModel,
  { system, messages }: { system: string; messages: readonly Message[] },
  dialect: Dialect,
): Prompt {
  const prompt: Prompt = system === '' ? [] : [{ role: 'system', content: system, ...marked(dialect) }]
  let images: UserContent = []
  const flush = () => {
    if (images.length > 0) prompt.push({ role: 'user', content: images })
    images = []
  }
  for (const message of messages) {
    if (message.role !== 'tool') flush()
    switch (message.role) {
      case 'user':
        prompt.push({ role: 'user', content: userContent(message.parts) })
        break
      case 'assistant': {
        const replayed = dialect.thinking === 'replayed' ? ownThinking(message, id, modelId) : []
        const content = assistantContent(message, replayed)
        if (content.length > 0) prompt.push({ role: 'assistant', content })
        break
      }
      case 'tool': {
        const inside = dialect.toolImages === 'inside' && !message.isError
        prompt.push({ role: 'tool', content: [toolResult(message, inside)] })
        if (!inside && message.images.length > 0) {
          images.push({ type: 'text', text: `Images from ${message.name}:` }, ...message.images.map(file))
        }
        break
      }
    }
  }
  flush()
  return markLast(prompt, dialect)
}

/** The reasoning that this very model gave with an answer: another one could not read it. */
export function ownThinking(
  message: Extract<Message, { role: 'assistant' }>,
  id: string,
  model: string,
): { part: ThinkingPart; source: ThinkingSource }[] {
  return message.thinking.flatMap((part) => {
    const source = part.opaque as ThinkingSource | null
    return part.provider === id && source !== null && source.model === model ? [{ part, source }] : []
  })
}

function marked({ cacheMark }: Dialect): { providerOptions?: Metadata } {
  return cacheMark === null ? {} : { providerOptions: cacheMark }
}

function markLast(prompt: Prompt, dialect: Dialect): Prompt {
  const last = prompt.at(-1)
  return last === undefined ? prompt : [...prompt.slice(0, -1), { ...last, ...marked(dialect) }]
}

function userContent(parts: Extract<Message, { role: 'user' }>['parts']): UserContent {
  const content = parts.flatMap((part): UserContent => {
    if (part.type === 'image') return [file(part)]
    return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }]
  })
  return content.length === 0 ? [{ type: 'text', text: '(empty message)' }] : content
}

function file(part: ImagePart) {
  return { type: 'file' as const, mediaType: part.mime, data: { type: 'data' as const, data: part.base64 } }
}

/** Text, calls and reasoning in the order in which the model gave them. */
function assistantContent(
  message: Extract<Message, { role: 'assistant' }>,
  thinking: readonly { part: ThinkingPart; source: ThinkingSource }[],
): AssistantContent {
  const calls = message.calls.map((call) => ({
    type: 'tool-call' as const,
    toolCallId: wireCallId(call.id),
    toolName: wireToolName(call.name),
    input: call.arguments,
  }))
  const content: AssistantContent = []
  let textAt = 0
  let callsAt = 0
  const fill = (textEnd: number, callsEnd: number) => {
    const text = message.text.slice(textAt, textEnd)
    if (text.trim() !== '') content.push({ type: 'text', text })
    content.push(...calls.slice(callsAt, callsEnd))
    textAt = Math.max(textAt, textEnd)
    callsAt = Math.max(callsAt, callsEnd)
  }
  for (const { part, source } of thinking) {
    fill(source.textAt, source.callsAt)
    content.push({ type: 'reasoning', text: part.text, providerOptions: source.metadata })
  }
  fill(message.text.length, calls.length)
  return content
}

function toolResult(message: Extract<Message, { role: 'tool' }>, withImages: boolean) {
  const output: ResultOutput =
    withImages && message.images.length > 0
      ? { type: 'content', value: [{ type: 'text', text: message.output || '(no text)' }, ...message.images.map(file)] }
      : { type: message.isError ? 'error-text' : 'text', value: message.output }
  return {
    type: 'tool-result' as const,
    toolCallId: wireCallId(message.callId),
    toolName: wireToolName(message.name),
    output,
  }
}

/** Services refuse call ids that are long or hold anything but letters, digits, `_` and `-`. */
function wireCallId(id: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 40)
}
