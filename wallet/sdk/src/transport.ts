import type { RouteName } from '@waiaas/core'
import { WAIaaSError } from './error.ts'
import type { AnswerOf, BodyOf, MethodOf, PathOf, QueryOf } from './route-types.ts'

export type ClientOptions = {
  /** Where the daemon is: http://127.0.0.1:3100. */
  baseUrl: string
  /** Another fetch, for tests and proxies. */
  fetch?: typeof fetch
  /** Tries after the first one, for calls that may be repeated. Default 3. */
  retries?: number
  /** Time for one answer in milliseconds, beside what `wait` adds. Default 30 000. */
  timeoutMillis?: number
}

export type CallOptions<Name extends RouteName> = {
  params?: Readonly<Record<string, string>>
  query?: QueryOf<Name>
  body?: BodyOf<Name>
  headers?: Readonly<Record<string, string>>
  /** Sent with every try. A POST without one is not repeated after a doubt. */
  idempotencyKey?: string
  /** Seconds that the daemon may hold the answer. */
  wait?: number
}

export type Transport = {
  /** One logical call, repeated where that is safe. @throws WAIaaSError */
  call: <Name extends RouteName>(
    method: MethodOf<Name>,
    path: PathOf<Name>,
    options?: CallOptions<Name>,
  ) => Promise<AnswerOf<Name>>
  /** One try whose answer is a stream. @throws WAIaaSError */
  open: (path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Response>
}

const FIRST_PAUSE_MILLIS = 200
const MAX_PAUSE_MILLIS = 60_000

/** @param credentials headers that prove the caller, asked anew for every try. */
export function createTransport(options: ClientOptions, credentials: () => Record<string, string>): Transport {
  const base = options.baseUrl.replace(/\/+$/, '')
  const send = options.fetch ?? fetch
  const retries = options.retries ?? 3

  const once = async (url: string, init: RequestInit): Promise<Response> => {
    try {
      return await send(url, init)
    } catch (cause) {
      const message = `No answer from ${base}.`
      const hint = 'Is the daemon running? Try: waiaas status'
      throw new WAIaaSError({ code: 'NETWORK_ERROR', message, status: 0, retryable: true, hint, cause })
    }
  }

  return {
    call: async (method, path, call = {}) => {
      const url = `${base}${fillPath(path, call.params ?? {})}${queryString(call.query)}`
      const headers = { ...credentials(), ...call.headers, ...callHeaders(call) }
      const body = call.body === undefined ? undefined : JSON.stringify(call.body)
      const repeatable = method === 'get' || call.idempotencyKey !== undefined
      const timeout = (options.timeoutMillis ?? 30_000) + (call.wait ?? 0) * 1000
      for (let failed = 0; ; failed++) {
        const { answer, error, retryAfter } = await attempt(() =>
          once(url, {
            method: method.toUpperCase(),
            headers,
            signal: AbortSignal.timeout(timeout),
            ...(body && { body }),
          }),
        )
        if (error === undefined) return answer as never
        const pause = retryAfter ?? backoff(failed)
        if (failed >= retries || pause > MAX_PAUSE_MILLIS || !mayRepeat(error, repeatable)) throw error
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    },
    open: async (path, headers, signal) => {
      const response = await once(`${base}${path}`, { headers: { ...credentials(), ...headers }, signal })
      if (!response.ok) throw await WAIaaSError.fromResponse(response)
      return response
    },
  }
}

type Attempt =
  | { answer: unknown; error: undefined; retryAfter: undefined }
  | { answer: undefined; error: WAIaaSError; retryAfter: number | undefined }

async function attempt(request: () => Promise<Response>): Promise<Attempt> {
  try {
    const response = await request()
    if (response.ok) return { answer: await readAnswer(response), error: undefined, retryAfter: undefined }
    const error = await WAIaaSError.fromResponse(response)
    return { answer: undefined, error, retryAfter: retryAfterMillis(response) }
  } catch (error) {
    if (error instanceof WAIaaSError) return { answer: undefined, error, retryAfter: undefined }
    throw error
  }
}

/** The connection may break after the status line too; that is as much a doubt as no answer. */
async function readAnswer(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    const message = 'The answer broke off.'
    throw new WAIaaSError({ code: 'NETWORK_ERROR', message, status: 0, retryable: true, cause })
  }
}

/**
 * A refusal before any work (rate limit) may always be repeated; anything that leaves a doubt only where
 * the call has no effect or the daemon recognises it by its key, as it does while it judges the first of them. A
 * verdict is an answer, not a failure.
 */
function mayRepeat(error: WAIaaSError, repeatable: boolean): boolean {
  if (error.code === 'IDEMPOTENCY_IN_PROGRESS') return true
  if (error.details?.transactionId !== undefined || error.code === 'SYSTEM_LOCKED') return false
  if (error.status === 429) return error.retryable
  return repeatable && (error.status === 0 || error.status >= 500 || (error.status === 409 && error.retryable))
}

function backoff(failed: number): number {
  return FIRST_PAUSE_MILLIS * 2 ** failed * (0.5 + Math.random())
}

function retryAfterMillis(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

function callHeaders(call: { body?: unknown; idempotencyKey?: string; wait?: number }): Record<string, string> {
  return {
    ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(call.idempotencyKey === undefined ? {} : { 'Idempotency-Key': call.idempotencyKey }),
    ...(call.wait === undefined ? {} : { Prefer: `wait=${call.wait}` }),
  }
}

function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
}

function queryString(query: unknown): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}
