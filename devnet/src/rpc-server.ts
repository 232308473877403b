import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChainControl, CONTROL_PATH, type Commands, type Control, runCommand } from './control.ts'
import { type Misbehaviour, type RpcError, RuleBook } from './misbehaviour.ts'

/** A chain as the server sees it: JSON-RPC in, JSON-RPC out, single calls and batches alike. */
export type RpcBackend = {
  answer(body: Buffer): Promise<RpcAnswer>
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  control: ChainControl
  /** Control commands of this backend's own. */
  commands?: Commands
}

export type RpcAnswer = {
  readonly status: number
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

export type RpcServer = { readonly port: number; readonly control: Control; stop(): Promise<void> }

const MAX_BODY_BYTES = 8 * 1024 * 1024

/**
 * Serves a chain on 127.0.0.1: JSON-RPC over HTTP and whatever the backend does with upgrades, with the rules of
 * misbehaviour between them, and the control endpoint under `/control/`.
 */
export async function startRpcServer(port: number, backend: RpcBackend): Promise<RpcServer> {
  const rules = new RuleBook()
  const stopping = new AbortController()
  const control: Control = {
    ...backend.control,
    misbehave: async (rule) => rules.add(rule),
    behave: async () => rules.clear(),
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve({ rules, backend, control, signal: stopping.signal }, request, response).catch((error: unknown) => {
      if (request.destroyed || stopping.signal.aborted) response.destroy()
      else reply(response, 500, rpcErrorText(-32603, `Internal error: ${String(error)}`))
    })
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('upgrade', backend.upgrade)
  const bound = await listen(server, port)
  const stop = async () => {
    stopping.abort()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: bound, control, stop }
}

type Context = { rules: RuleBook; backend: RpcBackend; control: Control; signal: AbortSignal }

async function serve(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/'
  if (path.startsWith(CONTROL_PATH)) return serveControl(context, path.slice(CONTROL_PATH.length), request, response)
  if (request.method === 'OPTIONS') return reply(response, 204, '')
  if (request.method !== 'POST') return reply(response, 405, rpcErrorText(-32600, 'Send JSON-RPC by POST'))
  const body = await readBody(request)
  if (body === undefined) return reply(response, 413, rpcErrorText(-32600, `Body above ${MAX_BODY_BYTES} bytes`))
  if (!context.rules.isEmpty) return serveMisbehaving(context, body, response)
  const answer = await context.backend.answer(body)
  reply(response, answer.status, answer.body, answer.headers)
}

/** Other origins cannot reach this endpoint: a JSON content type makes a browser ask first, and it gets no leave. */
async function serveControl(context: Context, name: string, request: IncomingMessage, response: ServerResponse) {
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false
  const body = await readBody(request)
  const answer =
    request.method === 'POST' && isJson && body !== undefined
      ? await runCommand(context.control, name, body.toString(), context.backend.commands)
      : { status: 400, body: { error: 'send a POST with content-type application/json' } }
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
}

async function serveMisbehaving(context: Context, body: Buffer, response: ServerResponse): Promise<void> {
  const parsed = parseJson(body)
  const calls = (Array.isArray(parsed) ? parsed : [parsed]) as { id?: unknown; method?: unknown }[]
  const verdicts = calls.map((call) => context.rules.take(call?.method))

  const lost = verdicts.find((verdict) => verdict?.kind === 'loseRequest')
  if (lost) return lose(response, lost)
  const status = verdicts.find((verdict) => verdict?.kind === 'refuse' && 'status' in verdict)
  if (status && 'status' in status) return reply(response, status.status, rpcErrorText(-32005, 'Refused on request'))

  const refused = calls.flatMap((call, index) => {
    const verdict = verdicts[index]
    return verdict?.kind === 'refuse' && 'error' in verdict ? [rpcErrorOf(call.id, verdict.error)] : []
  })
  const answer = refused.length === 0 ? await context.backend.answer(body) : await answerRest()

  const lostAnswer = verdicts.find((verdict) => verdict?.kind === 'loseAnswer')
  if (lostAnswer) return lose(response, lostAnswer)
  const late = Math.max(0, ...verdicts.map((verdict) => (verdict?.kind === 'delay' ? verdict.ms : 0)))
  if (late > 0) await sleep(late, undefined, { signal: context.signal })
  reply(response, answer.status, answer.body, answer.headers)

  async function answerRest(): Promise<RpcAnswer> {
    if (!Array.isArray(parsed)) return { status: 200, body: JSON.stringify(refused[0]) }
    const rest = calls.filter((_, index) => verdicts[index]?.kind !== 'refuse')
    if (rest.length === 0) return { status: 200, body: JSON.stringify(refused) }
    const answered = await context.backend.answer(Buffer.from(JSON.stringify(rest)))
    const list = answered.body.toString().trim()
    return { status: 200, body: `${list.slice(0, -1)},${JSON.stringify(refused).slice(1)}` }
  }
}

function lose(response: ServerResponse, verdict: Misbehaviour): void {
  const hangs = 'how' in verdict && verdict.how === 'hang'
  if (!hangs) response.socket?.destroy()
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined // no rule matches it, and the backend answers with a parse error
  }
}

function rpcErrorOf(id: unknown, error: RpcError) {
  return { jsonrpc: '2.0', id: id ?? null, error }
}

function rpcErrorText(code: number, message: string): string {
  return JSON.stringify(rpcErrorOf(null, { code, message }))
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  if (size > MAX_BODY_BYTES) return undefined
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
}

function reply(
  response: ServerResponse,
  status: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'access-control-allow-origin': '*',
    'access-control-allow-headers': '*',
  })
  response.end(body)
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
