import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { chatCompletion, chatFrames } from './chat-completion.ts'
import { type EventStream, eventFrame, sendEvents } from './event-stream.ts'
import { listen, readBody, sendJson } from './http.ts'
import type { FakeReply } from './model-reply.ts'
import { type ChatFault, type ChatRequest, readChatRequest } from './openai-request.ts'
import { type ResponsesRequest, readResponsesRequest } from './responses-request.ts'
import { responsesStream } from './responses-stream.ts'

/** A request as a check of its credentials sees it. */
export type SeenRequest = { method: string; url: URL; headers: IncomingHttpHeaders; body: string }

export type FakeOpenAI = {
  /** What the product's base URL setting is pointed at: `http://127.0.0.1:<port>/v1`. */
  baseUrl: string
  apiKey: string
  /** Every chat request that was well-formed, in order. */
  requests: readonly ChatRequest[]
  /** Every request to the Responses API that was well-formed, in order. */
  responses: readonly ResponsesRequest[]
  /** What was refused, with the reason that was answered. */
  refused: readonly ChatFault[]
  /** Headers of every request with a body, in order. */
  headers: readonly IncomingHttpHeaders[]
  /** Bytes of every request body, in order. */
  sizes: readonly number[]
  /** Questions for the list of models. */
  listed: () => number
  /** Replies for the next requests, one each, before the script is asked. */
  queue: (...replies: FakeReply[]) => void
  /** Requests whose client went away before the answer was complete. */
  aborted: () => number
  close: () => Promise<void>
}

export type FakeOpenAIOptions = {
  apiKey?: string
  models?: readonly string[]
  /** Path before `/models` and `/chat/completions`; `/v1` unless told. */
  prefix?: string
  /** Judges the credentials instead of the bearer key: the words of refusal, or `undefined`. */
  checkAccess?: (request: SeenRequest) => string | undefined
  /** Answers as the service behind a ChatGPT subscription: no chat completions, `store` false, instructions given. */
  chatgpt?: boolean
  /** How many requests are kept to be looked at, so that memory does not grow; all unless told. */
  keep?: number
  /** Asked when the queue is empty. `index` counts the well-formed chat requests. */
  script?: (request: ChatRequest, index: number) => FakeReply | Promise<FakeReply>
}

type State = {
  options: Required<Pick<FakeOpenAIOptions, 'apiKey' | 'models' | 'prefix' | 'chatgpt' | 'keep'>> & FakeOpenAIOptions
  /** Well-formed chat requests so far. */
  chats: number
  requests: ChatRequest[]
  responses: ResponsesRequest[]
  refused: ChatFault[]
  headers: IncomingHttpHeaders[]
  sizes: number[]
  queue: FakeReply[]
  /** Encrypted reasoning that was given out: only this is taken back. */
  reasoning: Set<string>
  listed: number
  aborted: number
}

/**
 * Starts an OpenAI-compatible server on a free loopback port: `GET /v1/models`, `POST /v1/chat/completions` and
 * `POST /v1/responses`.
 */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const { apiKey = 'test-key', models = ['test-model'], prefix = '/v1', chatgpt = false, keep = Infinity } = options
  const state: State = {
    options: { ...options, apiKey, models, prefix, chatgpt, keep },
    chats: 0,
    requests: [],
    responses: [],
    refused: [],
    headers: [],
    sizes: [],
    queue: [],
    reasoning: new Set(),
    listed: 0,
    aborted: 0,
  }
  const server = await listen((request, response) => answer(state, request, response))
  return {
    baseUrl: `${server.origin}${prefix}`,
    apiKey,
    requests: state.requests,
    responses: state.responses,
    refused: state.refused,
    headers: state.headers,
    sizes: state.sizes,
    listed: () => state.listed,
    queue: (...replies) => {
      state.queue.push(...replies)
    },
    aborted: () => state.aborted,
    close: server.close,
  }
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const body = await readBody(request)
  const { prefix, models, checkAccess, chatgpt, apiKey } = state.options
  const seen = { method: request.method ?? 'GET', url, headers: request.headers, body }
  const wrongKey =
    checkAccess === undefined ? checkKey(request.headers.authorization, apiKey) : accessFault(checkAccess(seen))
  if (wrongKey !== undefined) return sendFault(response, wrongKey)
  const route = `${request.method} ${url.pathname}`
  if (route === `GET ${prefix}/models`) {
    state.listed += 1
    return sendModels(response, models)
  }
  if (route === `POST ${prefix}/chat/completions` && !chatgpt) return await answerChat(state, seen, response)
  if (route === `POST ${prefix}/responses`) return await answerResponses(state, seen, response)
  sendFault(response, { status: 404, message: `Invalid URL (${route})`, param: null, code: null })
}

async function answerChat(state: State, { body, headers }: SeenRequest, response: ServerResponse): Promise<void> {
  note(state, body, headers)
  const read = readChatRequest(body)
  const wrong = read.ok ? checkModel(read.request.model, state.options.models) : read.fault
  if (!read.ok || wrong !== undefined) return refuse(state, response, wrong!)
  const { request } = read
  remember(state.requests, request, state)
  const index = state.chats++
  const reply = state.queue.shift() ?? (await state.options.script?.(request, index))
  if (reply === undefined) throw new Error('the fake model has no reply left: queue one or give a script')
  const whole = request.stream === true ? undefined : chatCompletion(reply, request, index)
  const frames = [...chatFrames(reply, request, index).map((frame) => eventFrame(frame)), eventFrame('[DONE]')]
  const errorFrame = (message: string) =>
    eventFrame({ error: { message, type: 'server_error', param: null, code: null } })
  await deliver(state, reply, { whole, stream: { frames, errorFrame } }, response)
}

async function answerResponses(state: State, { body, headers }: SeenRequest, response: ServerResponse): Promise<void> {
  note(state, body, headers)
  const { models, chatgpt } = state.options
  const read = readResponsesRequest(body, { chatgpt, reasoning: state.reasoning })
  const wrong = read.ok ? checkModel(read.request.model, models) : read.fault
  if (!read.ok || wrong !== undefined) return refuse(state, response, wrong!)
  const index = state.responses.push(read.request) - 1
  const reply = state.queue.shift()
  if (reply === undefined) throw new Error('the fake model has no reply left: queue one')
  const { stream, encrypted } = responsesStream(reply, read.request, index)
  if (encrypted !== null) state.reasoning.add(encrypted)
  await deliver(state, reply, { whole: undefined, stream }, response)
}

function note(state: State, body: string, headers: IncomingHttpHeaders): void {
  remember(state.sizes, Buffer.byteLength(body), state)
  remember(state.headers, headers, state)
}

function remember<Item>(items: Item[], item: Item, { options }: State): void {
  items.push(item)
  if (items.length > options.keep) items.shift()
}

function refuse(state: State, response: ServerResponse, fault: ChatFault): void {
  state.refused.push(fault)
  sendFault(response, fault)
}

async function deliver(
  state: State,
  { fault }: FakeReply,
  { whole, stream }: { whole: object | undefined; stream: EventStream },
  response: ServerResponse,
): Promise<void> {
  response.once('close', () => {
    if (!response.writableFinished) state.aborted += 1
  })
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'cut' && fault.afterFrames === 0) {
    response.socket?.destroy()
    return
  }
  if (fault?.kind === 'status') {
    if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(fault.retryAfterSeconds))
    const message = fault.message ?? `The fake answers ${fault.status}.`
    return sendFault(response, { status: fault.status, message, param: null, code: fault.code ?? null })
  }
  if (whole !== undefined) return sendJson(response, 200, whole)
  await sendEvents(response, stream, fault)
}

function checkKey(header: string | undefined, key: string): ChatFault | undefined {
  if (header === `Bearer ${key}`) return undefined
  if (header !== undefined) return accessFault('Incorrect API key provided.')
  return { status: 401, message: "You didn't provide an API key.", param: null, code: null }
}

function accessFault(message: string | undefined): ChatFault | undefined {
  return message === undefined ? undefined : { status: 401, message, param: null, code: 'invalid_api_key' }
}

function checkModel(model: string, models: readonly string[]): ChatFault | undefined {
  if (models.includes(model)) return undefined
  const message = `The model \`${model}\` does not exist or you do not have access to it.`
  return { status: 404, message, param: null, code: 'model_not_found' }
}

function sendModels(response: ServerResponse, models: readonly string[]): void {
  const data = models.map((id) => ({ id, object: 'model', created: 1_760_000_000, owned_by: 'test' }))
  sendJson(response, 200, { object: 'list', data })
}

function sendFault(response: ServerResponse, { status, message, param, code }: ChatFault): void {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error'
  sendJson(response, status, { error: { message, type, param, code } })
}
