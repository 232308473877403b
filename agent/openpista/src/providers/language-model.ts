import type { ThinkingPart, ToolCall } from '../domain/message.ts'
import type { Usage } from '../domain/model-info.ts'
import type { LanguageModel, LanguageModelOptions } from './library.ts'
import { type Dialect, type ThinkingSource, toPrompt } from './prompt.ts'
import type { ModelRequest, Provider, ProviderEvent } from './provider.ts'
import { toProviderError } from './provider-error.ts'
import { mapToolNames, type ToolNames } from './tool-names.ts'

type Part = Awaited<ReturnType<LanguageModel['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never
type Metadata = ThinkingSource['metadata']

/** A model made ready for one request. */
export type Prepared =
  | {
      ok: true
      model: LanguageModel
      dialect: Dialect
      /** `false`: the system prompt is given in `options` instead. */
      systemInPrompt: boolean
      options: Pick<LanguageModelOptions, 'providerOptions' | 'maxOutputTokens' | 'headers'>
    }
  | { ok: false; message: string; hint: string }

/** A provider over a model of the library; `prepare` finds credential, address and options of each request. */
export function createLanguageModelProvider(
  id: string,
  prepare: (request: ModelRequest) => Promise<Prepared>,
): Provider {
  return { id, stream: (request, signal) => run(id, prepare, request, signal) }
}

async function* run(
  id: string,
  prepare: (request: ModelRequest) => Promise<Prepared>,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  const mapped = mapToolNames(request.tools.map((tool) => tool.name))
  if (!mapped.ok) {
    yield { type: 'error', code: 'BAD_REQUEST', message: mapped.message }
    return
  }
  try {
    const prepared = await prepare(request)
    if (!prepared.ok) {
      yield { type: 'error', code: 'AUTH', message: `Authentication required: ${prepared.message} ${prepared.hint}` }
      return
    }
    const { model, dialect, systemInPrompt, options } = prepared
    const system = systemInPrompt ? request.system : ''
    const prompt = toPrompt(id, model, { system, messages: request.messages }, dialect)
    const { stream } = await model.doStream({
      prompt,
      ...toolOptions(request, mapped.names),
      ...options,
      abortSignal: signal,
    })
    yield* translate(id, request.model, stream, mapped.names, signal)
  } catch (error) {
    yield toProviderError(error, id, signal)
  }
}

function toolOptions({ tools }: ModelRequest, names: ToolNames): Pick<LanguageModelOptions, 'tools'> {
  if (tools.length === 0) return {}
  return {
    tools: tools.map((tool) => ({
      type: 'function',
      name: names.wire(tool.name),
      description: tool.description,
      inputSchema: tool.parameters,
    })),
  }
}

async function* translate(
  id: string,
  model: string,
  stream: ReadableStream<Part>,
  names: ToolNames,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  let text = ''
  let usage: Usage | undefined
  const thinking = new Map<string, { text: string; source: ThinkingSource }>()
  const calls: ToolCall[] = []
  for await (const part of stream) {
    switch (part.type) {
      case 'text-delta':
        text += part.delta
        yield { type: 'text', delta: part.delta }
        break
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end': {
        const started = { text: '', source: { model, metadata: {}, textAt: text.length, callsAt: calls.length } }
        const block = thinking.get(part.id) ?? started
        thinking.set(part.id, block)
        block.source.metadata = merge(block.source.metadata, part.providerMetadata)
        if (part.type !== 'reasoning-delta' || part.delta === '') break
        block.text += part.delta
        yield { type: 'thinking', delta: part.delta }
        break
      }
      case 'tool-call':
        calls.push({ id: part.toolCallId, name: names.own(part.toolName), arguments: readArguments(part.input) })
        break
      case 'finish':
        if (!isCut(part)) {
          usage = { inputTokens: part.usage.inputTokens.total ?? 0, outputTokens: part.usage.outputTokens.total ?? 0 }
        }
        break
      case 'error':
        yield toProviderError(part.error, id, signal)
        return
    }
  }
  if (usage === undefined) {
    yield { type: 'error', code: 'NETWORK', message: 'The connection to the model was lost before its answer ended.' }
    return
  }
  yield { type: 'done', text, thinking: [...thinking.values()].map((block) => toPart(id, block)), calls, usage }
}

/** A stream that ends before the model said why was cut on its way: the library makes up the rest. */
function isCut({ finishReason, usage }: Extract<Part, { type: 'finish' }>): boolean {
  return finishReason.raw === undefined && (finishReason.unified === 'other' || usage.inputTokens.total === undefined)
}

function toPart(provider: string, { text, source }: { text: string; source: ThinkingSource }): ThinkingPart {
  return { type: 'thinking', provider, text, opaque: Object.keys(source.metadata).length === 0 ? null : source }
}

function merge(known: Metadata, more: Metadata | undefined): Metadata {
  const merged = { ...known }
  for (const [name, values] of Object.entries(more ?? {})) merged[name] = { ...merged[name], ...values }
  return merged
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
