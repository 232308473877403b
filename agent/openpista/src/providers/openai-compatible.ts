import { createHash } from 'node:crypto'
import type { Message, ToolCall } from '../domain/message.ts'
import { toProviderError } from './openai-error.ts'
import type { ModelRequest, Provider, ProviderEvent, Usage } from './provider.ts'
import { mapToolNames, type ToolNames, wireToolName } from './tool-names.ts'

export type OpenAICompatibleSettings = {
  /** Id of the preset, for logs and for thinking blocks. */
  id: string
  baseUrl: string
  /** Empty: no Authorization header is sent. */
  apiKey: string
}

type Library = typeof import('@ai-sdk/openai-compatible')
type Model = ReturnType<ReturnType<Library['createOpenAICompatible']>['chatModel']>
type Options = Parameters<Model['doStream']>[0]
type Prompt = Options['prompt']
type Part = Awaited<ReturnType<Model['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never
type UserContent = Extract<Prompt[number], { role: 'user' }>['content']

/**
 * Chat Completions over HTTP, as OpenAI made it and many services copy it. The wire format is the library's,
 * which is loaded at the first request.
 */
export function createOpenAICompatible(settings: OpenAICompatibleSettings): Provider {
  let library: Promise<Library> | undefined
  const model = async (id: string): Promise<Model> => {
    library ??= import('@ai-sdk/openai-compatible')
    const { createOpenAICompatible: create } = await library
    const key = settings.apiKey === '' ? {} : { apiKey: settings.apiKey }
    return create({ name: settings.id, baseURL: settings.baseUrl, includeUsage: true, ...key }).chatModel(id)
  }
  return { id: settings.id, stream: (request, signal) => run(settings.id, model, request, signal) }
}

async function* run(
  id: string,
  model: (id: string) => Promise<Model>,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  const mapped = mapToolNames(request.tools.map((tool) => tool.name))
  if (!mapped.ok) {
    yield { type: 'error', code: 'BAD_REQUEST', message: mapped.message }
    return
  }
  try {
    const { stream } = await (await model(request.model)).doStream(toOptions(request, mapped.names, signal))
    yield* translate(id, stream, mapped.names, signal)
  } catch (error) {
    yield toProviderError(error, signal)
  }
}

async function* translate(
  id: string,
  stream: ReadableStream<Part>,
  names: ToolNames,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  let text = ''
  let thinking = ''
  let usage: Usage = { inputTokens: 0, outputTokens: 0 }
  const calls: ToolCall[] = []
  for await (const part of stream) {
    switch (part.type) {
      case 'text-delta':
        text += part.delta
        yield { type: 'text', delta: part.delta }
        break
      case 'reasoning-delta':
        thinking += part.delta
        yield { type: 'thinking', delta: part.delta }
        break
      case 'tool-call':
        calls.push({ id: part.toolCallId, name: names.own(part.toolName), arguments: readArguments(part.input) })
        break
      case 'finish':
        usage = { inputTokens: part.usage.inputTokens.total ?? 0, outputTokens: part.usage.outputTokens.total ?? 0 }
        break
      case 'error':
        yield toProviderError(part.error, signal)
        return
    }
  }
  const blocks = thinking === '' ? [] : [{ type: 'thinking' as const, provider: id, text: thinking, opaque: null }]
  yield { type: 'done', text, thinking: blocks, calls, usage }
}

/** Arguments that are no JSON object go on under `$unparsed`: the tool refuses them and the model sees why. */
function readArguments(input: string): Record<string, unknown> {
  if (input.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(input)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    return { $unparsed: input }
  }
  return { $unparsed: input }
}

function toOptions(request: ModelRequest, names: ToolNames, signal: AbortSignal): Options {
  const tools = request.tools.map((tool) => ({
    type: 'function' as const,
    name: names.wire(tool.name),
    description: tool.description,
    inputSchema: tool.parameters,
  }))
  return {
    prompt: toPrompt(request.system, request.messages),
    ...(tools.length === 0 ? {} : { tools }),
    abortSignal: signal,
  }
}

/**
 * The conversation in wire order. This format has no place for images in tool results, so they follow the
 * results as a user message; reasoning is not part of it and is left out.
 */
function toPrompt(system: string, messages: readonly Message[]): Prompt {
  const prompt: Prompt = system === '' ? [] : [{ role: 'system', content: system }]
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
      case 'assistant':
        prompt.push({ role: 'assistant', content: assistantContent(message) })
        break
      case 'tool':
        prompt.push({ role: 'tool', content: [toolResult(message)] })
        if (message.images.length > 0) {
          images.push({ type: 'text', text: `Images from ${message.name}:` }, ...message.images.map(image))
        }
        break
    }
  }
  flush()
  return prompt
}

function userContent(parts: Extract<Message, { role: 'user' }>['parts']): UserContent {
  if (parts.length === 0) return [{ type: 'text', text: '(empty message)' }]
  return parts.map((part) => (part.type === 'text' ? { type: 'text', text: part.text } : image(part)))
}

function image(part: { mime: string; base64: string }): UserContent[number] {
  return { type: 'file', mediaType: part.mime, data: { type: 'data', data: part.base64 } }
}

function assistantContent(message: Extract<Message, { role: 'assistant' }>) {
  const calls = message.calls.map((call) => ({
    type: 'tool-call' as const,
    toolCallId: wireCallId(call.id),
    toolName: wireToolName(call.name),
    input: call.arguments,
  }))
  return [...(message.text === '' ? [] : [{ type: 'text' as const, text: message.text }]), ...calls]
}

function toolResult(message: Extract<Message, { role: 'tool' }>) {
  return {
    type: 'tool-result' as const,
    toolCallId: wireCallId(message.callId),
    toolName: wireToolName(message.name),
    output: { type: message.isError ? ('error-text' as const) : ('text' as const), value: message.output },
  }
}

/** Services refuse call ids over 40 characters; other providers make longer ones. */
function wireCallId(id: string): string {
  return id.length <= 40 ? id : createHash('sha256').update(id).digest('hex').slice(0, 40)
}
