import { parseObject } from './http.ts'

/** A chat completions request as far as the fake looks at it. */
export type ChatRequest = {
  model: string
  messages: ChatMessage[]
  tools?: ToolEntry[]
  stream?: boolean
  stream_options?: { include_usage?: boolean }
}

export type ChatMessage = {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  content?: string | null | { type: string; text?: string; image_url?: { url: string } }[]
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[]
  tool_call_id?: string
}

type ToolEntry = {
  type: 'function'
  function: { name: string; description?: string; parameters?: Record<string, unknown> }
}

/** An answer other than success, in the service's own form. */
export type ChatFault = { status: number; message: string; param: string | null; code: string | null }

const TOP_LEVEL = new Set([
  ...['model', 'messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'stream', 'stream_options', 'user', 'stop'],
  ...['temperature', 'top_p', 'n', 'max_tokens', 'max_completion_tokens', 'frequency_penalty', 'presence_penalty'],
  ...['response_format', 'reasoning_effort', 'seed', 'store', 'metadata', 'verbosity', 'logprobs', 'top_logprobs'],
])
export const NAME = /^[a-zA-Z0-9_-]{1,64}$/
const LONGEST_CALL_ID = 40
const LONGEST_DESCRIPTION = 1024

export const fault = (message: string, param: string | null = null, code: string | null = null): ChatFault => ({
  status: 400,
  message,
  param,
  code,
})

/**
 * Checks a body as strictly as the real service does.
 *
 * @returns the request, or the fault the service would answer with.
 */
export function readChatRequest(body: string): { ok: true; request: ChatRequest } | { ok: false; fault: ChatFault } {
  const parsed = parseObject(body)
  const wrong =
    parsed === undefined
      ? fault('We could not parse the JSON body of your request. The API expects a JSON payload.')
      : (checkTopLevel(parsed) ?? checkTools(parsed.tools) ?? checkMessages(parsed.messages as ChatMessage[]))
  return wrong === undefined ? { ok: true, request: parsed as unknown as ChatRequest } : { ok: false, fault: wrong }
}

function checkTopLevel(body: Record<string, unknown>): ChatFault | undefined {
  const unknown = Object.keys(body).find((key) => !TOP_LEVEL.has(key))
  if (unknown !== undefined) return fault(`Unrecognized request argument supplied: ${unknown}`)
  if (typeof body.model !== 'string' || body.model === '') return fault('you must provide a model parameter')
  if (body.messages === undefined) {
    return fault("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter')
  }
  if (!Array.isArray(body.messages)) return wrongType('messages', 'an array of objects', body.messages)
  if (body.messages.length === 0) return emptyArray('messages')
  if (body.stream_options !== undefined && body.stream !== true) {
    return fault("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options')
  }
  if (body.tool_choice !== undefined && body.tools === undefined) {
    return fault("'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice')
  }
  return undefined
}

function checkTools(tools: unknown): ChatFault | undefined {
  if (tools === undefined) return undefined
  if (!Array.isArray(tools)) return wrongType('tools', 'an array of objects', tools)
  if (tools.length === 0) return emptyArray('tools')
  if (tools.length > 128) return fault("Invalid 'tools': array too long. Expected at most 128.", 'tools')
  for (const [index, raw] of tools.entries()) {
    const at = `tools[${index}].function`
    const { name, description, parameters } =
      (raw as Partial<ToolEntry>).function ?? ({} as Partial<ToolEntry['function']>)
    if (typeof name !== 'string') return wrongType(`${at}.name`, 'a string', name)
    if (!NAME.test(name)) return wrongName(`${at}.name`)
    if (description !== undefined && (typeof description !== 'string' || description.length > LONGEST_DESCRIPTION)) {
      return fault(`Invalid '${at}.description': string too long.`, `${at}.description`, 'string_above_max_length')
    }
    if (parameters !== undefined) {
      const problem = schemaProblem(parameters, true)
      if (problem !== undefined) {
        const text = `Invalid schema for function '${name}': ${problem}`
        return fault(text, `${at}.parameters`, 'invalid_function_parameters')
      }
    }
  }
  return undefined
}

/** The parts of a JSON Schema that the service refuses to work with. */
export function schemaProblem(schema: Record<string, unknown>, top: boolean): string | undefined {
  if (top && schema.type !== 'object') {
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${schema.type ?? 'None'}"'.`
  }
  if (schema.type === 'array' && schema.items === undefined) return 'array schema missing items.'
  const children = [...Object.values((schema.properties ?? {}) as object), ...(schema.items ? [schema.items] : [])]
  for (const child of children) {
    const problem = typeof child === 'object' ? schemaProblem(child as Record<string, unknown>, false) : undefined
    if (problem !== undefined) return problem
  }
  return undefined
}

function checkMessages(messages: ChatMessage[]): ChatFault | undefined {
  let unanswered = new Set<string>()
  let asker = 0
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      const wrong = checkToolMessage(message, index, unanswered)
      if (wrong !== undefined) return wrong
      unanswered.delete(message.tool_call_id!)
      continue
    }
    if (unanswered.size > 0) return missingResults(asker, unanswered)
    const wrong = checkMessage(message, `messages[${index}]`)
    if (wrong !== undefined) return wrong
    asker = index
    unanswered = new Set(message.tool_calls?.map((call) => call.id))
  }
  return unanswered.size > 0 ? missingResults(asker, unanswered) : undefined
}

function checkToolMessage(message: ChatMessage, index: number, open: ReadonlySet<string>): ChatFault | undefined {
  if (message.tool_call_id === undefined) {
    const at = `messages[${index}].tool_call_id`
    return fault(`Missing required parameter: '${at}'.`, at, 'missing_required_parameter')
  }
  if (!open.has(message.tool_call_id)) {
    return fault(
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
      `messages.[${index}].role`,
    )
  }
  return checkContent(message.content, `messages[${index}].content`, ['text'])
}

function checkMessage(message: ChatMessage, at: string): ChatFault | undefined {
  switch (message.role) {
    case 'system':
    case 'developer':
      return checkContent(message.content, `${at}.content`, ['text'])
    case 'user':
      return checkContent(message.content, `${at}.content`, ['text', 'image_url', 'input_audio', 'file'])
    case 'assistant':
      return checkCalls(message.tool_calls, at) ?? checkAssistantContent(message, at)
    default: {
      const supported = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
      return fault(
        `Invalid value: '${message.role}'. Supported values are: ${supported}.`,
        `${at}.role`,
        'invalid_value',
      )
    }
  }
}

function checkAssistantContent(message: ChatMessage, at: string): ChatFault | undefined {
  if (message.tool_calls !== undefined && (message.content === null || message.content === undefined)) return undefined
  return checkContent(message.content, `${at}.content`, ['text', 'refusal'])
}

function checkContent(content: ChatMessage['content'], at: string, types: readonly string[]): ChatFault | undefined {
  if (typeof content === 'string') return undefined
  if (!Array.isArray(content)) return fault(`Invalid value for 'content': expected a string, got ${content}.`, at)
  if (content.length === 0) return emptyArray(at)
  for (const [index, part] of content.entries()) {
    if (!types.includes(part.type)) {
      const list = types.map((type) => `'${type}'`).join(', ')
      return fault(
        `Invalid value: '${part.type}'. Supported values are: ${list}.`,
        `${at}[${index}].type`,
        'invalid_value',
      )
    }
    if (part.type === 'image_url' && !/^(https?:|data:image\/)/.test(part.image_url?.url ?? '')) {
      return fault('Invalid image URL.', `${at}[${index}].image_url.url`, 'invalid_image_url')
    }
  }
  return undefined
}

function checkCalls(calls: ChatMessage['tool_calls'], at: string): ChatFault | undefined {
  if (calls === undefined) return undefined
  if (!Array.isArray(calls)) return wrongType(`${at}.tool_calls`, 'an array of objects', calls)
  if (calls.length === 0) return emptyArray(`${at}.tool_calls`)
  for (const [index, call] of calls.entries()) {
    const path = `${at}.tool_calls[${index}]`
    if (typeof call.id !== 'string') return wrongType(`${path}.id`, 'a string', call.id)
    if (call.id.length > LONGEST_CALL_ID) {
      const text = `Invalid '${path}.id': string too long. Expected a string with maximum length ${LONGEST_CALL_ID}.`
      return fault(text, `${path}.id`, 'string_above_max_length')
    }
    if (typeof call.function?.arguments !== 'string') {
      return wrongType(`${path}.function.arguments`, 'a string', call.function?.arguments)
    }
    if (!NAME.test(call.function.name)) return wrongName(`${path}.function.name`)
    if (parseObject(call.function.arguments) === undefined) {
      return fault(`Invalid '${path}.function.arguments': expected a JSON object.`, `${path}.function.arguments`)
    }
  }
  return undefined
}

function missingResults(asker: number, ids: ReadonlySet<string>): ChatFault {
  return fault(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...ids].join(', ')}`,
    `messages.[${asker}].role`,
  )
}

export function wrongName(at: string): ChatFault {
  const text = `Invalid '${at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`
  return fault(text, at, 'invalid_value')
}

export function emptyArray(at: string): ChatFault {
  return fault(`Invalid '${at}': empty array. Expected an array with minimum length 1.`, at, 'empty_array')
}

export function wrongType(at: string, wanted: string, got: unknown): ChatFault {
  const kind = got === null ? 'null' : Array.isArray(got) ? 'an array' : `a ${typeof got}`
  return fault(`Invalid type for '${at}': expected ${wanted}, but got ${kind} instead.`, at, 'invalid_type')
}
