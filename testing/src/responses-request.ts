import { parseObject } from './http.ts'
import { type ChatFault, emptyArray, fault, NAME, schemaProblem, wrongName, wrongType } from './openai-request.ts'

/** An item of a Responses request as far as the fake looks at it. */
export type ResponsesItem = {
  type?: string
  role?: string
  id?: string
  call_id?: string
  name?: string
  arguments?: string
  output?: unknown
  content?: string | { type: string; text?: string; image_url?: string }[]
  encrypted_content?: string | null
  summary?: unknown[]
}

export type ResponsesRequest = {
  model: string
  input: ResponsesItem[]
  instructions?: string
  tools?: { type: string; name: string; description?: string; parameters?: Record<string, unknown> }[]
  stream?: boolean
  store?: boolean
  include?: string[]
  reasoning?: { effort?: string; summary?: string }
}

type Mode = {
  /** The rules of the service behind a ChatGPT subscription. */
  chatgpt: boolean
  /** Encrypted reasoning that was given out. */
  reasoning: ReadonlySet<string>
}

const TOP_LEVEL = new Set([
  ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'stream', 'store', 'include'],
  ...['reasoning', 'text', 'temperature', 'top_p', 'max_output_tokens', 'metadata', 'prompt_cache_key', 'truncation'],
  ...['previous_response_id', 'service_tier', 'user', 'safety_identifier', 'max_tool_calls', 'top_logprobs'],
])
const PARTS: Readonly<Record<string, readonly string[]>> = {
  user: ['input_text', 'input_image', 'input_file'],
  system: ['input_text'],
  developer: ['input_text'],
  assistant: ['output_text', 'refusal'],
}

/**
 * Checks the body of a streamed Responses request as strictly as the real service does.
 *
 * @returns the request, or the fault the service would answer with.
 */
export function readResponsesRequest(
  body: string,
  mode: Mode,
): { ok: true; request: ResponsesRequest } | { ok: false; fault: ChatFault } {
  const parsed = parseObject(body)
  const wrong =
    parsed === undefined
      ? fault('We could not parse the JSON body of your request. The API expects a JSON payload.')
      : (checkTopLevel(parsed, mode) ?? checkTools(parsed.tools) ?? checkItems(parsed.input as ResponsesItem[], mode))
  return wrong === undefined
    ? { ok: true, request: parsed as unknown as ResponsesRequest }
    : { ok: false, fault: wrong }
}

function checkTopLevel(body: Record<string, unknown>, { chatgpt }: Mode): ChatFault | undefined {
  const unknown = Object.keys(body).find((key) => !TOP_LEVEL.has(key))
  if (unknown !== undefined) return fault(`Unknown parameter: '${unknown}'.`, unknown, 'unknown_parameter')
  if (typeof body.model !== 'string') return fault("Missing required parameter: 'model'.", 'model')
  if (!Array.isArray(body.input)) return wrongType('input', 'an array of input items', body.input)
  if (body.input.length === 0) return emptyArray('input')
  if (body.stream !== true) return fault('This fake streams only.', 'stream')
  if (!chatgpt) return undefined
  if (body.store !== false) return fault('Store must be set to false')
  if (typeof body.instructions !== 'string' || body.instructions === '') return fault('Instructions are required')
  if (body.max_output_tokens !== undefined) return fault('Unsupported parameter: max_output_tokens')
  return undefined
}

function checkTools(tools: unknown): ChatFault | undefined {
  if (tools === undefined) return undefined
  if (!Array.isArray(tools)) return wrongType('tools', 'an array of objects', tools)
  for (const [index, { name, parameters }] of (tools as NonNullable<ResponsesRequest['tools']>).entries()) {
    if (typeof name !== 'string') return wrongType(`tools[${index}].name`, 'a string', name)
    if (!NAME.test(name)) return wrongName(`tools[${index}].name`)
    const problem = parameters === undefined ? undefined : schemaProblem(parameters, true)
    if (problem !== undefined) {
      const text = `Invalid schema for function '${name}': ${problem}`
      return fault(text, `tools[${index}].parameters`, 'invalid_function_parameters')
    }
  }
  return undefined
}

function checkItems(items: ResponsesItem[], mode: Mode): ChatFault | undefined {
  const open = new Set<string>()
  for (const [index, item] of items.entries()) {
    const wrong = checkItem(item, index, items, mode, open)
    if (wrong !== undefined) return wrong
  }
  const [missing] = open
  return missing === undefined ? undefined : fault(`No tool output found for function call ${missing}.`, 'input')
}

function checkItem(
  item: ResponsesItem,
  index: number,
  items: ResponsesItem[],
  mode: Mode,
  open: Set<string>,
): ChatFault | undefined {
  const at = `input[${index}]`
  switch (item.type ?? 'message') {
    case 'message':
      return checkMessage(item, at)
    case 'reasoning':
      return checkReasoning(item, at, items[index + 1], mode)
    case 'function_call': {
      if (!NAME.test(item.name ?? '')) return wrongName(`${at}.name`)
      if (typeof item.arguments !== 'string') return wrongType(`${at}.arguments`, 'a string', item.arguments)
      if (!/^.{1,64}$/.test(item.call_id ?? '')) return fault(`Invalid '${at}.call_id': string too long.`, at)
      open.add(item.call_id!)
      return undefined
    }
    case 'function_call_output':
      if (item.output === undefined) return fault(`Missing required parameter: '${at}.output'.`, at)
      if (open.delete(item.call_id ?? '')) return undefined
      return fault(`No tool call found for function call output with call_id ${item.call_id}.`, 'input')
    case 'item_reference':
      return { status: 404, message: `Item with id '${item.id}' not found.`, param: 'input', code: null }
    default:
      return fault(`Invalid value: '${item.type}'.`, `${at}.type`, 'invalid_value')
  }
}

function checkMessage(item: ResponsesItem, at: string): ChatFault | undefined {
  const allowed = PARTS[item.role ?? '']
  if (allowed === undefined) return fault(`Invalid value: '${item.role}'.`, `${at}.role`, 'invalid_value')
  if (typeof item.content === 'string') return undefined
  if (!Array.isArray(item.content)) return wrongType(`${at}.content`, 'an array of objects', item.content)
  for (const [index, part] of item.content.entries()) {
    const path = `${at}.content[${index}]`
    if (!allowed.includes(part.type)) return fault(`Invalid value: '${part.type}'.`, `${path}.type`, 'invalid_value')
    if (part.type === 'input_image' && !/^(https?:|data:image\/)/.test(part.image_url ?? '')) {
      return fault('Invalid image URL.', `${path}.image_url`, 'invalid_image_url')
    }
  }
  return undefined
}

/** Reasoning goes back as it was given out, and in front of what it led to. */
function checkReasoning(
  { id, encrypted_content: encrypted }: ResponsesItem,
  at: string,
  next: ResponsesItem | undefined,
  { reasoning }: Mode,
): ChatFault | undefined {
  if (encrypted === undefined || encrypted === null) {
    return { status: 404, message: `Item with id '${id}' not found.`, param: at, code: null }
  }
  if (!reasoning.has(encrypted)) {
    return fault('The encrypted content could not be verified.', at, 'invalid_encrypted_content')
  }
  const follows = next?.type === 'function_call' || next?.type === 'reasoning' || next?.role === 'assistant'
  return follows
    ? undefined
    : fault(`Item '${id}' of type 'reasoning' was provided without its required following item.`, at)
}
