import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import {
  type AnthropicBlock,
  type AnthropicFault,
  type AnthropicRequest,
  betas,
  checkHeaders,
  readAnthropicRequest,
} from './anthropic-request.ts'
import { eventFrame, sendEvents } from './event-stream.ts'
import { listen, readBody, sendJson } from './http.ts'
import { argumentText, type FakeReply, words } from './model-reply.ts'

/** One block of an answer, in the order in which the model gives them. */
export type ReplyBlock =
  | { thinking: string }
  | { redacted: string }
  | { text: string }
  | { call: { id?: string; name: string; arguments: Record<string, unknown> | string } }

/** What the fake model answers: the parts of a `FakeReply` in their usual order, or blocks in any order. */
export type AnthropicReply = FakeReply & { blocks?: readonly ReplyBlock[] }

export type FakeAnthropic = {
  /** `http://127.0.0.1:<port>`, without `/v1`. */
  baseUrl: string
  apiKey: string
  requests: readonly AnthropicRequest[]
  headers: readonly IncomingHttpHeaders[]
  refused: readonly AnthropicFault[]
  queue: (...replies: AnthropicReply[]) => void
  aborted: () => number
  close: () => Promise<void>
}

export type FakeAnthropicOptions = {
  apiKey?: string
  /** A bearer token of a subscription that is accepted with the beta for it. */
  authToken?: string
  models?: readonly string[]
}

type State = {
  options: Required<FakeAnthropicOptions>
  requests: AnthropicRequest[]
  headers: IncomingHttpHeaders[]
  refused: AnthropicFault[]
  queue: AnthropicReply[]
  signatures: Map<string, string>
  redacted: Set<string>
  answers: Map<string, readonly AnthropicBlock[]>
  aborted: number
}

/** Starts Anthropic's Messages API on a free loopback port: `POST /v1/messages` (streamed) and `GET /v1/models`. */
export async function startFakeAnthropic(options: FakeAnthropicOptions = {}): Promise<FakeAnthropic> {
  const { apiKey = 'test-key', authToken = '', models = ['claude-sonnet-4-6'] } = options
  const state: State = {
    options: { apiKey, authToken, models },
    requests: [],
    headers: [],
    refused: [],
    queue: [],
    signatures: new Map(),
    redacted: new Set(),
    answers: new Map(),
    aborted: 0,
  }
  const server = await listen((request, response) => answer(state, request, response))
  return {
    baseUrl: server.origin,
    apiKey,
    requests: state.requests,
    headers: state.headers,
    refused: state.refused,
    queue: (...replies) => {
      state.queue.push(...replies)
    },
    aborted: () => state.aborted,
    close: server.close,
  }
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const body = await readBody(request)
  const route = `${request.method} ${pathname}`
  const wrongAccess = checkAccess(request.headers, state.options) ?? checkHeaders(request.headers)
  if (wrongAccess !== undefined) return sendFault(response, wrongAccess)
  if (route === 'GET /v1/models') {
    const data = state.options.models.map((id) => ({ type: 'model', id, display_name: id, created_at: '2026-01-01' }))
    return sendJson(response, 200, { data, has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id })
  }
  if (route !== 'POST /v1/messages') {
    return sendFault(response, { status: 404, type: 'not_found_error', message: 'Not found' })
  }
  const read = readAnthropicRequest(body, state)
  const wrong = read.ok ? checkModel(read.request, state.options.models) : read.fault
  if (!read.ok || wrong !== undefined) {
    state.refused.push(wrong!)
    return sendFault(response, wrong!)
  }
  state.headers.push(request.headers)
  const index = state.requests.push(read.request) - 1
  const reply = state.queue.shift()
  if (reply === undefined) throw new Error('the fake model has no reply left: queue one')
  response.once('close', () => {
    if (!response.writableFinished) state.aborted += 1
  })
  await deliver(state, reply, read.request, index, response)
}

async function deliver(
  state: State,
  reply: AnthropicReply,
  request: AnthropicRequest,
  index: number,
  response: ServerResponse,
): Promise<void> {
  const { fault } = reply
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'cut' && fault.afterFrames === 0) {
    response.socket?.destroy()
    return
  }
  if (fault?.kind === 'status') {
    if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(fault.retryAfterSeconds))
    const message = fault.message ?? `The fake answers ${fault.status}.`
    return sendFault(response, { status: fault.status, type: errorType(fault.status), message })
  }
  const blocks = signBlocks(state, blocksOf(reply), index)
  const frames = streamFrames(blocks, reply, request, index)
  const errorFrame = (message: string) =>
    eventFrame({ type: 'error', error: { type: 'overloaded_error', message } }, 'error')
  await sendEvents(response, { frames, errorFrame }, fault)
}

type SignedBlock = { block: AnthropicBlock; text: string }

/** The blocks as they are given out, and remembered for when they come back. */
function signBlocks(state: State, blocks: readonly ReplyBlock[], index: number): SignedBlock[] {
  const signed = blocks.map((part, at): SignedBlock => {
    if ('thinking' in part) {
      const signature = createHash('sha256').update(`${index}:${at}:${part.thinking}`).digest('base64')
      state.signatures.set(signature, part.thinking)
      return { block: { type: 'thinking', thinking: part.thinking, signature }, text: part.thinking }
    }
    if ('redacted' in part) {
      state.redacted.add(part.redacted)
      return { block: { type: 'redacted_thinking', data: part.redacted }, text: '' }
    }
    if ('text' in part) return { block: { type: 'text', text: part.text }, text: part.text }
    const { id = `toolu_${index}_${at}`, name, arguments: args } = part.call
    return { block: { type: 'tool_use', id, name, input: args }, text: argumentText(args) }
  })
  const answer = signed.map(({ block }) => block)
  const call = answer.find((block) => block.type === 'tool_use')
  if (call?.type === 'tool_use') state.answers.set(call.id, answer)
  return signed
}

function blocksOf({ blocks, reasoning, text, calls }: AnthropicReply): readonly ReplyBlock[] {
  if (blocks !== undefined) return blocks
  return [
    ...(reasoning === undefined ? [] : [{ thinking: reasoning }]),
    ...(text === undefined || text === '' ? [] : [{ text }]),
    ...(calls ?? []).map((call) => ({ call })),
  ]
}

function streamFrames(blocks: readonly SignedBlock[], reply: AnthropicReply, request: AnthropicRequest, index: number) {
  const input = reply.usage?.prompt ?? Math.ceil(JSON.stringify(request.messages).length / 4)
  const output = reply.usage?.completion ?? Math.ceil(blocks.map(({ text }) => text).join('').length / 4)
  const usage = { input_tokens: input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 }
  const message = {
    ...{ id: `msg_${index}`, type: 'message', role: 'assistant', model: request.model, content: [] },
    ...{ stop_reason: null, stop_sequence: null, usage },
  }
  const calls = blocks.some(({ block }) => block.type === 'tool_use')
  const events: ({ type: string } & Record<string, unknown>)[] = [
    { type: 'message_start', message },
    { type: 'ping' },
    ...blocks.flatMap(blockEvents),
    {
      type: 'message_delta',
      delta: { stop_reason: calls ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: output },
    },
    { type: 'message_stop' },
  ]
  return events.map((event) => eventFrame(event, event.type))
}

function blockEvents({ block, text }: SignedBlock, index: number) {
  const start = (empty: object) => ({ type: 'content_block_start', index, content_block: empty })
  const delta = (part: object) => ({ type: 'content_block_delta', index, delta: part })
  const stop = { type: 'content_block_stop', index }
  switch (block.type) {
    case 'thinking':
      return [
        start({ type: 'thinking', thinking: '', signature: '' }),
        ...words(text).map((thinking) => delta({ type: 'thinking_delta', thinking })),
        delta({ type: 'signature_delta', signature: block.signature }),
        stop,
      ]
    case 'tool_use':
      return [
        start({ type: 'tool_use', id: block.id, name: block.name, input: {} }),
        ...['', ...(text.match(/[\s\S]{1,7}/g) ?? [])].map((piece) =>
          delta({ type: 'input_json_delta', partial_json: piece }),
        ),
        stop,
      ]
    case 'text':
      return [
        start({ type: 'text', text: '' }),
        ...words(text).map((piece) => delta({ type: 'text_delta', text: piece })),
        stop,
      ]
    default:
      return [start(block), stop]
  }
}

function checkAccess(
  headers: IncomingHttpHeaders,
  { apiKey, authToken }: Required<FakeAnthropicOptions>,
): AnthropicFault | undefined {
  const fault = (message: string): AnthropicFault => ({ status: 401, type: 'authentication_error', message })
  const { authorization } = headers
  if (authorization !== undefined) {
    if (!betas(headers).includes('oauth-2025-04-20')) return fault('OAuth authentication is currently not supported.')
    return authToken !== '' && authorization === `Bearer ${authToken}` ? undefined : fault('Invalid bearer token')
  }
  if (headers['x-api-key'] === undefined) return fault('x-api-key header is required')
  return headers['x-api-key'] === apiKey ? undefined : fault('invalid x-api-key')
}

function checkModel({ model }: AnthropicRequest, models: readonly string[]): AnthropicFault | undefined {
  return models.includes(model) ? undefined : { status: 404, type: 'not_found_error', message: `model: ${model}` }
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

function errorType(status: number): string {
  return ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

function sendFault(response: ServerResponse, { status, type, message }: AnthropicFault): void {
  sendJson(response, status, { type: 'error', error: { type, message }, request_id: 'req_fake' })
}
