import type { IncomingHttpHeaders } from 'node:http'
import { parseObject } from './http.ts'

export type AnthropicBlock =
  | { type: 'text'; text: string; cache_control?: object }
  | { type: 'image'; source: { type: string; media_type?: string; data?: string } }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }
  | { type: 'tool_result'; tool_use_id: string; content?: unknown; is_error?: boolean }

export type AnthropicMessage = { role: 'user' | 'assistant'; content: string | AnthropicBlock[] }

export type AnthropicRequest = {
  model: string
  max_tokens: number
  system?: string | { type: 'text'; text: string; cache_control?: object }[]
  messages: AnthropicMessage[]
  tools?: { name: string; description?: string; input_schema: Record<string, unknown>; cache_control?: object }[]
  thinking?: { type: string; budget_tokens?: number }
  stream?: boolean
}

export type AnthropicFault = { status: number; type: string; message: string }

/** Answers that were given out, to compare what comes back with. */
export type Issued = {
  /** Signature -> the thinking it signs. */
  signatures: ReadonlyMap<string, string>
  redacted: ReadonlySet<string>
  /** First tool call of an answer -> the whole answer. */
  answers: ReadonlyMap<string, readonly AnthropicBlock[]>
}

const TOP_LEVEL = new Set([
  ...['model', 'max_tokens', 'system', 'messages', 'tools', 'tool_choice', 'thinking', 'stream', 'temperature'],
  ...['top_p', 'top_k', 'stop_sequences', 'metadata', 'service_tier', 'cache_control', 'output_config'],
])
const BETAS = new Set([
  ...['interleaved-thinking-2025-05-14', 'oauth-2025-04-20', 'fine-grained-tool-streaming-2025-05-14'],
  ...['prompt-caching-2024-07-31', 'context-1m-2025-08-07', 'claude-code-20250219', 'output-128k-2025-02-19'],
  'structured-outputs-2025-11-13',
])
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/
const CALL_ID = /^[a-zA-Z0-9_-]+$/

const fault = (message: string): AnthropicFault => ({ status: 400, type: 'invalid_request_error', message })

/** Version and betas, as the real service checks them. */
export function checkHeaders(headers: IncomingHttpHeaders): AnthropicFault | undefined {
  if (headers['anthropic-version'] === undefined) return fault('anthropic-version: header is required')
  if (headers['anthropic-version'] !== '2023-06-01') {
    return fault(`anthropic-version: "${headers['anthropic-version']}" is not a valid version`)
  }
  const unknown = betas(headers).find((beta) => !BETAS.has(beta))
  return unknown === undefined
    ? undefined
    : fault(`Unexpected value(s) \`${unknown}\` for the \`anthropic-beta\` header.`)
}

export function betas(headers: IncomingHttpHeaders): string[] {
  const text = String(headers['anthropic-beta'] ?? '')
  return text === '' ? [] : text.split(',').map((beta) => beta.trim())
}

/** Checks the body of a Messages request as strictly as the real service does. */
export function readAnthropicRequest(
  body: string,
  issued: Issued,
): { ok: true; request: AnthropicRequest } | { ok: false; fault: AnthropicFault } {
  const parsed = parseObject(body)
  if (parsed === undefined) return { ok: false, fault: fault('The request body is not valid JSON.') }
  const wrong = checkTopLevel(parsed) ?? checkRest(parsed as unknown as AnthropicRequest, issued)
  return wrong === undefined
    ? { ok: true, request: parsed as unknown as AnthropicRequest }
    : { ok: false, fault: wrong }
}

function checkTopLevel(body: Record<string, unknown>): AnthropicFault | undefined {
  const unknown = Object.keys(body).find((key) => !TOP_LEVEL.has(key))
  if (unknown !== undefined) return fault(`${unknown}: Extra inputs are not permitted`)
  for (const key of ['model', 'max_tokens', 'messages']) {
    if (body[key] === undefined) return fault(`${key}: Field required`)
  }
  if (!Number.isInteger(body.max_tokens) || Number(body.max_tokens) < 1) return fault('max_tokens: must be positive')
  if (!Array.isArray(body.messages) || body.messages.length === 0)
    return fault('messages: at least one message is required')
  return undefined
}

function checkRest(request: AnthropicRequest, issued: Issued): AnthropicFault | undefined {
  return (
    checkThinking(request) ??
    checkTools(request.tools ?? []) ??
    checkCaching(request) ??
    checkMessages(request.messages, issued) ??
    checkLastAnswer(request, issued)
  )
}

function checkThinking({ thinking, max_tokens: max, ...rest }: AnthropicRequest): AnthropicFault | undefined {
  if (thinking?.type !== 'enabled') return undefined
  const budget = thinking.budget_tokens ?? 0
  if (budget < 1024) return fault('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024')
  if (budget >= max) return fault('`max_tokens` must be greater than `thinking.budget_tokens`.')
  if ('temperature' in rest || 'top_k' in rest)
    return fault('`temperature` may only be set to 1 when thinking is enabled.')
  return undefined
}

function checkTools(tools: NonNullable<AnthropicRequest['tools']>): AnthropicFault | undefined {
  const names = new Set<string>()
  for (const [index, tool] of tools.entries()) {
    if (!TOOL_NAME.test(tool.name)) {
      return fault(`tools.${index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`)
    }
    if (names.has(tool.name)) return fault('tools: Tool names must be unique.')
    names.add(tool.name)
    if (tool.input_schema?.type !== 'object') return fault(`tools.${index}.custom.input_schema.type: Field required`)
  }
  return undefined
}

function checkCaching(request: AnthropicRequest): AnthropicFault | undefined {
  const count = JSON.stringify(request).split('"cache_control"').length - 1
  return count > 4 ? fault(`A maximum of 4 blocks with cache_control may be provided. Found ${count}.`) : undefined
}

function checkMessages(messages: readonly AnthropicMessage[], issued: Issued): AnthropicFault | undefined {
  for (const [index, message] of messages.entries()) {
    const at = `messages.${index}`
    if (message.role !== 'user' && message.role !== 'assistant') {
      return fault(`messages: Unexpected role "${message.role}". Allowed roles are "user" or "assistant".`)
    }
    const blocks = blocksOf(message)
    if (blocks.length === 0 && index < messages.length - 1) {
      return fault(`${at}: all messages must have non-empty content except for the optional final assistant message`)
    }
    for (const [place, block] of blocks.entries()) {
      const wrong = checkBlock(block, message.role, `${at}.content.${place}`, issued)
      if (wrong !== undefined) return wrong
    }
    const wrong = checkPairs(blocks, blocksOf(messages[index + 1]), blocksOf(messages[index - 1]), index)
    if (wrong !== undefined) return wrong
  }
  return messages[0]?.role === 'user' ? undefined : fault('messages: first message must use the "user" role')
}

function checkBlock(block: AnthropicBlock, role: string, at: string, issued: Issued): AnthropicFault | undefined {
  const ofAssistant = ['thinking', 'redacted_thinking', 'tool_use'].includes(block.type)
  const ofUser = ['tool_result', 'image'].includes(block.type)
  if ((ofAssistant && role !== 'assistant') || (ofUser && role !== 'user')) {
    return fault(`${at}: \`${block.type}\` blocks are not permitted in \`${role}\` messages`)
  }
  switch (block.type) {
    case 'text':
      return block.text.trim() === '' ? fault(`${at}: text content blocks must contain non-whitespace text`) : undefined
    case 'image':
      return /^image\/(png|jpeg|gif|webp)$/.test(block.source.media_type ?? '') && block.source.data !== ''
        ? undefined
        : fault(`${at}.image.source: media type is not supported`)
    case 'thinking':
      return issued.signatures.get(block.signature) === block.thinking
        ? undefined
        : fault(`${at}: Invalid \`signature\` in \`thinking\` block`)
    case 'redacted_thinking':
      return issued.redacted.has(block.data)
        ? undefined
        : fault(`${at}: Invalid \`data\` in \`redacted_thinking\` block`)
    case 'tool_use':
      if (!CALL_ID.test(block.id)) return fault(`${at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`)
      if (!TOOL_NAME.test(block.name)) return fault(`${at}.tool_use.name: String should match pattern`)
      return typeof block.input === 'object'
        ? undefined
        : fault(`${at}.tool_use.input: Input should be a valid dictionary`)
    case 'tool_result':
      return undefined
    default:
      return fault(`${at}: Input tag '${(block as { type: string }).type}' is not one of the expected tags`)
  }
}

function checkPairs(
  blocks: readonly AnthropicBlock[],
  next: readonly AnthropicBlock[],
  previous: readonly AnthropicBlock[],
  index: number,
): AnthropicFault | undefined {
  const answered = new Set(next.flatMap((block) => (block.type === 'tool_result' ? block.tool_use_id : [])))
  const missing = blocks.filter((block) => block.type === 'tool_use' && !answered.has(block.id))
  if (missing.length > 0) {
    const ids = missing.map((block) => (block.type === 'tool_use' ? block.id : '')).join(', ')
    return fault(
      `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids}.`,
    )
  }
  const asked = new Set(previous.flatMap((block) => (block.type === 'tool_use' ? block.id : [])))
  const stray = blocks.find((block) => block.type === 'tool_result' && !asked.has(block.tool_use_id))
  if (stray !== undefined) return fault(`messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`)
  const firstOther = blocks.findIndex((block) => block.type !== 'tool_result')
  const late = blocks.findLastIndex((block) => block.type === 'tool_result')
  return firstOther !== -1 && late > firstOther
    ? fault(`messages.${index}: \`tool_result\` blocks must come first in the content`)
    : undefined
}

/** While thinking is on, the answers of a running tool loop come back as they were given out. */
function checkLastAnswer({ thinking, messages }: AnthropicRequest, issued: Issued): AnthropicFault | undefined {
  if (thinking === undefined || thinking.type === 'disabled') return undefined
  const start = messages.findLastIndex(
    (message) => message.role === 'user' && !blocksOf(message).some((block) => block.type === 'tool_result'),
  )
  for (const [index, message] of messages.entries()) {
    const blocks = blocksOf(message)
    const call = blocks.find((block) => block.type === 'tool_use')
    if (index <= start || message.role !== 'assistant' || call?.type !== 'tool_use') continue
    const at = `messages.${index}.content.0`
    const original = issued.answers.get(call.id)
    if (original !== undefined && JSON.stringify(original) !== JSON.stringify(blocks)) {
      return fault(
        `${at}: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified.`,
      )
    }
    const first = blocks[0]!.type
    if (original === undefined && first !== 'thinking' && first !== 'redacted_thinking') {
      return fault(`${at}.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`.`)
    }
  }
  return undefined
}

function blocksOf(message: AnthropicMessage | undefined): readonly AnthropicBlock[] {
  if (message === undefined) return []
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
}
