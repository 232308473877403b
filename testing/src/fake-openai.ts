import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChatFault, type ChatRequest, readChatRequest } from './openai-request.ts'

/** What the fake model answers to one request. */
export type FakeReply = {
  text?: string
  /** Streamed as `reasoning_content`, as many compatible services do. */
  reasoning?: string
  /** `arguments` as text is sent as it is, valid JSON or not. */
  calls?: { id?: string; name: string; arguments: Record<string, unknown> | string }[]
  usage?: { prompt: number; completion: number }
  fault?: FakeFault
}

export type FakeFault =
  /** Answers this status instead, with the service's error body. */
  | { kind: 'status'; status: number; message?: string; code?: string; retryAfterSeconds?: number }
  /** Breaks the connection after so many frames; 0 breaks it before any answer. */
  | { kind: 'cut'; afterFrames: number }
  /** Ends the body properly after so many frames, without finish reason and [DONE]. */
  | { kind: 'unfinished'; afterFrames: number }
  /** Sends an error frame in the middle of the stream. */
  | { kind: 'errorFrame'; afterFrames: number; message: string }
  | { kind: 'slow'; millisPerFrame: number }
  /** Writes the body so many bytes at a time, which cuts characters and frames in their middle. */
  | { kind: 'split'; bytes: number }
  /** Never answers. */
  | { kind: 'hang' }

export type FakeOpenAI = {
  /** What the product's base URL setting is pointed at: `http://127.0.0.1:<port>/v1`. */
  baseUrl: string
  apiKey: string
  /** Every chat request that was well-formed, in order. */
  requests: readonly ChatRequest[]
  /** What was refused, with the reason that was answered. */
  refused: readonly ChatFault[]
  /** Bytes of every chat request body, in order. */
  sizes: readonly number[]
  /** Replies for the next requests, one each, before the script is asked. */
  queue: (...replies: FakeReply[]) => void
  /** Requests whose client went away before the answer was complete. */
  aborted: () => number
  close: () => Promise<void>
}

export type FakeOpenAIOptions = {
  apiKey?: string
  models?: readonly string[]
  /** Asked when the queue is empty. */
  script?: (request: ChatRequest, index: number) => FakeReply | Promise<FakeReply>
}

type State = {
  options: Required<Pick<FakeOpenAIOptions, 'apiKey' | 'models'>> & FakeOpenAIOptions
  requests: ChatRequest[]
  refused: ChatFault[]
  sizes: number[]
  queue: FakeReply[]
  aborted: number
}

/** Starts an OpenAI-compatible server on a free loopback port: `GET /v1/models`, `POST /v1/chat/completions`. */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const state: State = {
    options: { ...options, apiKey: options.apiKey ?? 'test-key', models: options.models ?? ['test-model'] },
    requests: [],
    refused: [],
    sizes: [],
    queue: [],
    aborted: 0,
  }
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey: state.options.apiKey,
    requests: state.requests,
    refused: state.refused,
    sizes: state.sizes,
    queue: (...replies) => {
      state.queue.push(...replies)
    },
    aborted: () => state.aborted,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  const wrongKey = checkKey(request.headers.authorization, state.options.apiKey)
  if (wrongKey !== undefined) return sendFault(response, wrongKey)
  if (request.method === 'GET' && path === '/v1/models') return sendModels(response, state.options.models)
  if (request.method !== 'POST' || path !== '/v1/chat/completions') {
    return sendFault(response, {
      status: 404,
      message: `Invalid URL (${request.method} ${path})`,
      param: null,
      code: null,
    })
  }
  const body = await readBody(request)
  state.sizes.push(Buffer.byteLength(body))
  const read = readChatRequest(body)
  const wrong = read.ok ? checkModel(read.request.model, state.options.models) : read.fault
  if (!read.ok || wrong !== undefined) {
    state.refused.push(wrong!)
    return sendFault(response, wrong!)
  }
  const index = state.requests.push(read.request) - 1
  const reply = state.queue.shift() ?? (await state.options.script?.(read.request, index))
  if (reply === undefined) throw new Error('the fake model has no reply left: queue one or give a script')
  response.once('close', () => {
    if (!response.writableFinished) state.aborted += 1
  })
  await deliver(reply, read.request, index, response)
}

async function deliver(reply: FakeReply, request: ChatRequest, index: number, response: ServerResponse): Promise<void> {
  const { fault } = reply
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
  if (request.stream !== true) return sendJson(response, 200, completion(reply, request, index))
  await sendFrames(response, frames(reply, request, index), fault)
}

async function sendFrames(response: ServerResponse, all: unknown[], fault: FakeFault | undefined): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  const texts = [...all.map((frame) => `data: ${JSON.stringify(frame)}\n\n`), 'data: [DONE]\n\n']
  if (fault?.kind === 'split') return await sendSplit(response, Buffer.from(texts.join('')), fault.bytes)
  for (const [index, text] of texts.entries()) {
    if (fault !== undefined && 'afterFrames' in fault && index === fault.afterFrames) {
      if (fault.kind === 'cut') {
        response.socket?.destroy()
        return
      }
      if (fault.kind === 'errorFrame') {
        const error = { message: fault.message, type: 'server_error', param: null, code: null }
        response.write(`data: ${JSON.stringify({ error })}\n\n`)
      }
      response.end()
      return
    }
    if (response.destroyed) return
    await new Promise((resolve) => response.write(text, resolve))
    if (fault?.kind === 'slow') await sleep(fault.millisPerFrame)
  }
  response.end()
}

async function sendSplit(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  response.socket?.setNoDelay(true)
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + size), resolve))
  }
  response.end()
}

function frames(reply: FakeReply, request: ChatRequest, index: number): unknown[] {
  const withUsage = request.stream_options?.include_usage === true
  const base = {
    id: `chatcmpl-${index}`,
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: request.model,
  }
  const frame = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  })
  const result = [frame({ role: 'assistant', content: '', refusal: null })]
  for (const piece of words(reply.reasoning ?? '')) result.push(frame({ reasoning_content: piece }))
  for (const piece of words(reply.text ?? '')) result.push(frame({ content: piece }))
  for (const [at, call] of wireCalls(reply, index).entries()) {
    const { name, arguments: text } = call.function
    result.push(
      frame({ tool_calls: [{ index: at, id: call.id, type: 'function', function: { name, arguments: '' } }] }),
    )
    for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) {
      result.push(frame({ tool_calls: [{ index: at, function: { arguments: piece } }] }))
    }
  }
  result.push(frame({}, finishReason(reply)))
  return withUsage ? [...result, { ...base, choices: [], usage: usageOf(reply, request) }] : result
}

function completion(reply: FakeReply, request: ChatRequest, index: number): object {
  const calls = wireCalls(reply, index)
  const message = {
    role: 'assistant',
    content: reply.text ?? null,
    refusal: null,
    ...(reply.reasoning === undefined ? {} : { reasoning_content: reply.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  return {
    id: `chatcmpl-${index}`,
    object: 'chat.completion',
    created: 1_760_000_000,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }],
    usage: usageOf(reply, request),
  }
}

function wireCalls(reply: FakeReply, index: number) {
  return (reply.calls ?? []).map((call, at) => ({
    id: call.id ?? `call_${index}_${at}`,
    type: 'function',
    function: {
      name: call.name,
      arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
    },
  }))
}

const finishReason = (reply: FakeReply) =>
  reply.calls === undefined || reply.calls.length === 0 ? 'stop' : 'tool_calls'

function usageOf(reply: FakeReply, request: ChatRequest) {
  const prompt = reply.usage?.prompt ?? Math.ceil(JSON.stringify(request.messages).length / 4)
  const said = `${reply.text ?? ''}${JSON.stringify(reply.calls ?? [])}`
  const tokens = reply.usage?.completion ?? Math.ceil(said.length / 4)
  return { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens }
}

const words = (text: string) => text.match(/\s*\S+\s*$|\s*\S+|\s+$/g) ?? []

function checkKey(header: string | undefined, key: string): ChatFault | undefined {
  if (header === `Bearer ${key}`) return undefined
  if (header !== undefined)
    return { status: 401, message: 'Incorrect API key provided.', param: null, code: 'invalid_api_key' }
  return { status: 401, message: "You didn't provide an API key.", param: null, code: null }
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

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
