import { clip } from './clip.ts'
import type { ExchangeAnswer } from './exchange.ts'
import { type NodeError, readNodeState, readPauseMs, speaksOfBatches } from './gateway-errors.ts'
import { parseJson } from './parse-json.ts'
import { type RpcResult, unreachable } from './rpc-result.ts'

/** What came back for requests that were sent together. */
export type Answers = {
  /** One per request, by its id from 1 on; `undefined` where there is none. */
  each: (RpcResult<unknown> | undefined)[]
  /** What those without an answer failed of. */
  rest: RpcResult<unknown>
  /** What the node said about the whole, for a person. */
  words: string
  /** It takes no more requests for now. */
  isBusy: boolean
  status: number
}

/** Reads what nodes and gateways send, standard or not. */
export function readAnswers({ status, text, retryAfterSeconds }: ExchangeAnswer, count: number): Answers {
  const body = parse(text)
  const objects = [body].flat().flatMap(readObject)
  // An error that names no request is about all of them; so is one about batches, which some give the first, and some each.
  const isAboutAll = ({ id, error }: Answer) =>
    error !== undefined && (id === undefined || (count > 1 && speaksOfBatches(error)))
  const whole = objects.find(isAboutAll)
  const isRefusedForNow = REFUSED_FOR_NOW.includes(status)
  const answerTo = (id: string): RpcResult<unknown> | undefined => {
    const own = objects.find((each) => each.id === id && !isAboutAll(each)) ?? (count === 1 ? whole : undefined)
    if (own === undefined || isRefusedForNow) return undefined
    if (own.error !== undefined) return objection(own.error, status, retryAfterSeconds)
    return own.result !== undefined && status < 300 ? { ok: true, value: own.result } : undefined
  }
  const error = whole?.error ?? (isRefusedForNow ? objects[0]?.error : undefined)
  const words = clip(error?.message || wordsOf(body, text))
  const isBusy = isRefusedForNow || (error !== undefined && readNodeState(error) === 'busy')
  const pause = isBusy ? readPauseMs(retryAfterSeconds, error?.data) : undefined
  return {
    each: Array.from({ length: count }, (_, index) => answerTo(String(index + 1))),
    rest: unreachable(reasonFor(status, words), pause),
    words,
    isBusy,
    status,
  }
}

/** Too many requests, and the gateway's own troubles. */
const REFUSED_FOR_NOW = [402, 429, 502, 503, 504]
/** The key is wrong, spent or not meant for this. */
const REFUSES_ACCESS = [401, 403]

type Answer = { id: string | undefined; result: unknown; error: NodeError | undefined }

/** Some gateways send ids as text, leave members out or add some. */
function readObject(value: unknown): Answer[] {
  if (typeof value !== 'object' || value === null) return []
  const { id, result, error } = value as { id?: unknown; result?: unknown; error?: unknown }
  return [{ id: id === undefined || id === null ? undefined : String(id), result, error: readError(error) }]
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function readError(error: unknown): NodeError | undefined {
  if (error === undefined || error === null) return undefined
  if (typeof error !== 'object') return { code: 0, message: String(error) }
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown }
  const number = Number(code)
  return {
    code: Number.isSafeInteger(number) ? number : 0,
    message: typeof message === 'string' ? message : '',
    ...(data !== undefined && { data }),
  }
}

function objection(error: NodeError, status: number, retryAfterSeconds: number | undefined): RpcResult<unknown> {
  const state = readNodeState(error)
  const words = clip(error.message)
  if (REFUSES_ACCESS.includes(status)) return unreachable(reasonFor(status, words))
  if (state === 'busy') return unreachable(words || `error ${error.code}`, readPauseMs(retryAfterSeconds, error.data))
  if (state === undefined) {
    const message =
      words.trim() === '' ? `The node returned error ${error.code}, without words that can be shown.` : error.message
    return { ok: false, failure: { kind: 'error', ...error, message } }
  }
  return { ok: false, failure: { kind: 'unable', ...error, message: words || state } }
}

function reasonFor(status: number, words: string): string {
  if (status >= 300 && status < 400) return 'a redirection'
  if (status >= 400) return words === '' ? `HTTP status ${status}` : `HTTP status ${status}, ${words}`
  return words === '' ? 'an answer that is not JSON-RPC' : `an answer that is not JSON-RPC: ${words}`
}

/** What gateways say outside of JSON-RPC; pages for people say nothing. */
function wordsOf(body: unknown, text: string): string {
  const { message, error } = (body ?? {}) as { message?: unknown; error?: unknown }
  if (typeof message === 'string') return message
  if (typeof error === 'string') return error
  return body === undefined && text.length <= 200 && !text.includes('<') ? text.trim() : ''
}
