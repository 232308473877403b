import type { Timers } from '@openpista/common'
import { z } from 'zod'
import type { Exchange } from './exchange.ts'
import { parseJson } from './parse-json.ts'
import { type RpcFailure, type RpcResult, unreachable } from './rpc-result.ts'

/** JSON-RPC 2.0 over HTTP. Never rejects. What is asked in one turn of the event loop travels together. */
export type RpcClient = {
  /** A question. */
  read: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ) => Promise<RpcResult<z.output<Schema>>>
  /**
   * A request that changes something: travels with its like only, in the order of the calls, and is never repeated.
   *
   * @param mayLeave called once, in the same turn as the write to the socket. Where it returns `false`, the request
   * is taken out and fails as `withheld`. Where it was never called, the request has not left.
   */
  submit: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
    mayLeave: () => boolean,
  ) => Promise<RpcResult<z.output<Schema>>>
  /** Cuts what is under way; every later call is `unreachable`. */
  close: () => void
}

/** How requests reach nodes, and what time is. */
export type Transport = { exchange: Exchange; timers: Timers }

type Call = {
  method: string
  params: readonly unknown[]
  mayLeave: () => boolean
  settle: (answer: RpcResult<unknown>) => void
}

const MAX_READS = 100
const MAX_SUBMITS = 32
const TIMEOUT_MS = 10_000

/**
 * Messages never name the address, which often carries an access key.
 *
 * @param tries how often a question is asked whose answer gets lost.
 */
export function createRpcClient(url: string, tries: number, { exchange, timers }: Transport): RpcClient {
  const closing = new AbortController()

  const ask = async (calls: readonly Call[], tries: number): Promise<RpcResult<unknown>[]> => {
    let sent: readonly Call[] = []
    const body = () => {
      sent = calls.filter(({ mayLeave }) => mayLeave())
      if (sent.length === 0) return undefined
      const requests = sent.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
      return JSON.stringify(requests.length === 1 ? requests[0] : requests)
    }
    const answer = await post(url, body, closing.signal, { exchange, timers })
    if (answer.ok) {
      const picked = pickAll(answer.value, sent.length)
      return calls.map((call) => picked[sent.indexOf(call)] ?? withheld)
    }
    if (tries > 1 && !closing.signal.aborted) return await ask(calls, tries - 1)
    return calls.map((call) => (sent.length === 0 || sent.includes(call) ? answer : withheld))
  }
  const together = (most: number, tries: number) => {
    let queue: Call[] = []
    const flush = () => {
      const calls = queue
      queue = []
      for (let start = 0; start < calls.length; start += most) {
        const batch = calls.slice(start, start + most)
        ask(batch, tries).then((answers) => batch.forEach((call, index) => void call.settle(answers[index]!)))
      }
    }
    return async <Schema extends z.ZodType>(
      method: string,
      params: readonly unknown[],
      schema: Schema,
      mayLeave: () => boolean,
    ) => {
      const answer = await new Promise<RpcResult<unknown>>((settle) => {
        if (queue.push({ method, params, mayLeave, settle }) === 1) timers.soon(flush)
      })
      return conform(answer, method, schema)
    }
  }
  const reading = together(MAX_READS, tries)
  return {
    read: (method, params, schema) => reading(method, params, schema, () => true),
    submit: together(MAX_SUBMITS, 1),
    close: () => closing.abort(new Error('closed')),
  }
}

const withheld: { ok: false; failure: RpcFailure } = {
  ok: false,
  failure: { kind: 'withheld', message: 'The request was not sent: it may not leave any more.' },
}

/** Never rejects. */
async function post(
  url: string,
  body: () => string | undefined,
  closing: AbortSignal,
  { exchange, timers }: Transport,
): Promise<RpcResult<unknown>> {
  if (closing.aborted) return unreachable('closed')
  const giveUp = new AbortController()
  const cut = () => giveUp.abort(closing.reason)
  closing.addEventListener('abort', cut)
  const stopWaiting = timers.after(TIMEOUT_MS, () =>
    giveUp.abort(new DOMException('no answer in time', 'TimeoutError')),
  )
  try {
    const answer = await exchange({ url, body, signal: giveUp.signal })
    if (answer === 'not sent') return withheld
    const { status, text } = answer
    if (status === 429 || status >= 500) return unreachable(`HTTP status ${status}`)
    if (status >= 300 && status < 400) return unreachable('a redirection')
    return { ok: true, value: parseJson(text) }
  } catch (error) {
    return unreachable(error instanceof Error ? error.name : 'no connection')
  } finally {
    stopWaiting()
    closing.removeEventListener('abort', cut)
  }
}

const NodeError = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() })
const Answer = z.object({ id: z.number(), result: z.unknown().optional(), error: NodeError.nullish() })

function pickAll(body: unknown, count: number): RpcResult<unknown>[] {
  const byId = new Map<unknown, unknown>()
  for (const each of Array.isArray(body) ? body : [body]) {
    const { id } = (each ?? {}) as { id?: unknown }
    if (!byId.has(id)) byId.set(id, each)
  }
  return Array.from({ length: count }, (_, id) => pick(byId.get(id)))
}

function pick(body: unknown): RpcResult<unknown> {
  const answer = Answer.safeParse(body)
  if (!answer.success) return unreachable('an answer that is not JSON-RPC')
  const { result, error } = answer.data
  return error ? { ok: false, failure: { kind: 'error', ...error } } : { ok: true, value: result }
}

function conform<Schema extends z.ZodType>(
  answer: RpcResult<unknown>,
  method: string,
  schema: Schema,
): RpcResult<z.output<Schema>> {
  if (!answer.ok) return answer
  const parsed = schema.safeParse(answer.value)
  return parsed.success ? { ok: true, value: parsed.data } : unreachable(`an answer to ${method} that cannot be read`)
}
