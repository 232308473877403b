import type { Timers } from '@openpista/common'
import type { z } from 'zod'
import type { Exchange, ExchangeAnswer } from './exchange.ts'
import { readBatchLimit, readNodeState, speaksOfBatches } from './gateway-errors.ts'
import { type Answers, readAnswers } from './rpc-answers.ts'
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
   * A request that changes something: travels with its like only, and is never repeated. Several travel together only
   * where the node has answered as many questions together, since a refused batch would leave all outcomes unknown.
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
  /** How many requests the node takes together, as far as is known: 1 where it refuses batches. */
  takesTogether: () => number
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
/** Exchanges at a time with a node that takes fewer requests together than are asked. */
const IN_PARALLEL = 8
const TIMEOUT_MS = 10_000
/** How long a node is given no more requests together than it took. */
const LIMIT_MS = 600_000
/** How long a node is not asked for a method that it said it lacks: not long, since a gateway may be wrong about it. */
const MISSING_MS = 60_000
/** Of JSON-RPC. */
const NO_SUCH_METHOD = -32601
/** What a web server says of a path or method that it does not know. */
const NOT_OFFERED = [404, 405, 501]

/**
 * Messages never name the address, which often carries an access key.
 *
 * @param tries how often a question is asked whose answer gets lost.
 */
export function createRpcClient(url: string, tries: number, { exchange, timers }: Transport): RpcClient {
  const closing = new AbortController()
  const limits = createLimits(timers)
  const missing = createMissingMethods(timers)
  const hide = hideSecretsOf(url)
  let hasAnswered = false

  /** One exchange. `answers`: what came back, where something did. */
  const send = async (calls: readonly Call[]): Promise<{ results: RpcResult<unknown>[]; answers?: Answers }> => {
    let sent: readonly Call[] = []
    const body = () => {
      sent = calls.filter(({ mayLeave }) => mayLeave())
      if (sent.length === 0) return undefined
      const requests = sent.map(({ method, params }, index) => ({ jsonrpc: '2.0', id: index + 1, method, params }))
      return JSON.stringify(requests.length === 1 ? requests[0] : requests)
    }
    const answer = await post(url, body, closing.signal, { exchange, timers })
    const isWithheld = (call: Call) => sent.length > 0 && !sent.includes(call)
    if ('ok' in answer) return { results: calls.map((call) => (isWithheld(call) ? withheld : answer)) }
    const answers = readAnswers(answer, sent.length)
    const rest = hasAnswered && sent.length === 1 && NOT_OFFERED.includes(answer.status) ? notOffered : answers.rest
    hasAnswered ||= answers.each.some((each) => each !== undefined)
    const results = calls.map((call) => (isWithheld(call) ? withheld : (answers.each[sent.indexOf(call)] ?? rest)))
    return { results, answers }
  }

  /** Those that the node does not take together are asked again in smaller parts. */
  const ask = async (calls: readonly Call[], triesLeft: number): Promise<RpcResult<unknown>[]> => {
    const { results, answers } = await send(calls)
    if (answers === undefined && triesLeft > 1 && !closing.signal.aborted) return await ask(calls, triesLeft - 1)
    if (answers === undefined || calls.length === 1) return results
    if (answers.each.every((each) => each !== undefined)) limits.answered(calls.length)
    if (!wereTooMany(answers)) return results
    const open = calls.filter((_, index) => answers.each[index] === undefined)
    const size = smallerThan(calls.length, answers)
    const again = new Map<Call, RpcResult<unknown>>()
    const askPart = async (part: readonly Call[]) => {
      const answered = await ask(part, 1)
      part.forEach((call, index) => void again.set(call, answered[index]!))
      return !answered.every(isLost)
    }
    const [first, ...others] = partsOf(open, size)
    if (await askPart(first!)) {
      limits.restrict(size)
      await inLanes(others, askPart)
    }
    return calls.map((call, index) => again.get(call) ?? results[index]!)
  }

  const submitOnce = async (calls: readonly Call[]): Promise<RpcResult<unknown>[]> => {
    const { results, answers } = await send(calls)
    if (answers !== undefined && calls.length > 1 && wereTooMany(answers)) limits.restrict(1)
    return results
  }

  const reading = together(timers, limits.reads, (calls) => ask(calls, tries))
  const submitting = together(timers, limits.submits, submitOnce)

  return {
    read: async (method, params, schema) => {
      const known = missing.of(method)
      if (known !== undefined) return conform(known, method, schema, hide)
      const answer = await reading(method, params, () => true)
      missing.note(method, answer)
      return conform(answer, method, schema, hide)
    },
    submit: async (method, params, schema, mayLeave) =>
      conform(await submitting(method, params, mayLeave), method, schema, hide),
    takesTogether: limits.reads,
    close: () => closing.abort(new Error('closed')),
  }
}

/** Gathers what is asked in one turn of the event loop, and settles it in parts of at most `most()`. */
function together(timers: Timers, most: () => number, work: (calls: readonly Call[]) => Promise<RpcResult<unknown>[]>) {
  let queue: Call[] = []
  const flush = async () => {
    const parts = partsOf(queue, most())
    queue = []
    const untried = await inLanes(parts, async (part) => {
      const results = await work(part)
      part.forEach((call, index) => void call.settle(results[index]!))
      return !results.every(isLost)
    })
    for (const call of untried.flat()) call.settle(unreachable('others were not answered'))
  }
  return (method: string, params: readonly unknown[], mayLeave: () => boolean) =>
    new Promise<RpcResult<unknown>>((settle) => {
      if (queue.push({ method, params, mayLeave, settle }) === 1) timers.soon(flush)
    })
}

const withheld = failure({ kind: 'withheld', message: 'The request was not sent: it may not leave any more.' })
const notOffered = failure({ kind: 'unable', code: NO_SUCH_METHOD, message: 'the web server does not know it' })

function failure(failure: RpcFailure): { ok: false; failure: RpcFailure } {
  return { ok: false, failure }
}

function isLost(answer: RpcResult<unknown>): boolean {
  return !answer.ok && answer.failure.kind === 'unreachable'
}

/** How many requests a node is given together. */
function createLimits(timers: Timers) {
  const unknown = { most: MAX_READS, until: Number.POSITIVE_INFINITY }
  let limit = unknown
  /** The largest batch that was answered in full. */
  let largest = 1
  const reads = () => {
    if (timers.monotonic() >= limit.until) limit = unknown
    return limit.most
  }
  return {
    reads,
    submits: () => Math.min(MAX_SUBMITS, largest),
    answered: (count: number) => {
      largest = Math.max(largest, count)
    },
    restrict: (size: number) => {
      limit = { most: Math.min(size, reads()), until: timers.monotonic() + LIMIT_MS }
      largest = Math.min(largest, limit.most)
    },
  }
}

/** Which methods a node said that it does not offer. */
function createMissingMethods(timers: Timers) {
  const known = new Map<string, { until: number; answer: RpcResult<unknown> }>()
  return {
    of: (method: string) => {
      const entry = known.get(method)
      return entry !== undefined && timers.monotonic() < entry.until ? entry.answer : undefined
    },
    note: (method: string, answer: RpcResult<unknown>) => {
      if (answer.ok || answer.failure.kind !== 'unable' || readNodeState(answer.failure) !== 'no such method') return
      known.set(method, { until: timers.monotonic() + MISSING_MS, answer })
    },
  }
}

/** Whether a node that left requests unanswered may answer fewer of them. */
function wereTooMany({ each, isBusy, words, status }: Answers): boolean {
  if (each.every((answer) => answer !== undefined) || (status >= 300 && status < 400)) return false
  return !isBusy || speaksOfBatches({ code: 0, message: words })
}

function smallerThan(count: number, { status, words }: Answers): number {
  const named = speaksOfBatches({ code: 0, message: words }) ? readBatchLimit(words) : undefined
  if (named !== undefined && named > 0 && named < count) return named
  return status === 413 ? Math.floor(count / 2) : 1
}

function partsOf(calls: readonly Call[], size: number): (readonly Call[])[] {
  return Array.from({ length: Math.ceil(calls.length / size) }, (_, at) => calls.slice(at * size, (at + 1) * size))
}

/** Several at a time until `work` returns `false`. Returns those that were left over. */
async function inLanes<Item>(items: readonly Item[], work: (item: Item) => Promise<boolean>): Promise<Item[]> {
  const waiting = [...items]
  let goesOn = true
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = goesOn ? waiting.shift() : undefined) {
      goesOn = (await work(item)) && goesOn
    }
  }
  await Promise.all(Array.from({ length: Math.min(IN_PARALLEL, items.length) }, lane))
  return waiting
}

type Lost = { ok: false; failure: RpcFailure }

/** Never rejects. */
async function post(
  url: string,
  body: () => string | undefined,
  closing: AbortSignal,
  { exchange, timers }: Transport,
): Promise<ExchangeAnswer | Lost> {
  if (closing.aborted) return unreachable('closed')
  const giveUp = new AbortController()
  const cut = () => giveUp.abort(closing.reason)
  closing.addEventListener('abort', cut)
  const stopWaiting = timers.after(TIMEOUT_MS, () =>
    giveUp.abort(new DOMException('no answer in time', 'TimeoutError')),
  )
  try {
    const answer = await exchange({ url, body, signal: giveUp.signal })
    return answer === 'not sent' ? withheld : answer
  } catch (error) {
    return unreachable(whyNoAnswer(error))
  } finally {
    stopWaiting()
    closing.removeEventListener('abort', cut)
  }
}

/** What kept a request from being answered, without the address, which may carry an access key. */
function whyNoAnswer(error: unknown): string {
  const { name, code } = error as NodeJS.ErrnoException
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} seconds`
  if (code === 'ECONNREFUSED') return 'nothing listens at its address'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its host name is not known'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'the connection was cut'
  return `no connection (${code ?? name})`
}

function conform<Schema extends z.ZodType>(
  answer: RpcResult<unknown>,
  method: string,
  schema: Schema,
  hide: (text: string) => string,
): RpcResult<z.output<Schema>> {
  if (!answer.ok) {
    const { failure } = answer
    const message =
      failure.kind === 'unable' ? `The node cannot answer ${method}: ${failure.message}.` : failure.message
    return { ok: false, failure: { ...failure, message: hide(message) } }
  }
  const parsed = schema.safeParse(answer.value)
  return parsed.success ? { ok: true, value: parsed.data } : unreachable(`an answer to ${method} that cannot be read`)
}

/** Gateways repeat access keys in what they say; keys are parts of the address that are longer than its plain words. */
function hideSecretsOf(url: string): (text: string) => string {
  const { username, password, pathname, searchParams } = new URL(url)
  const secrets = [username, password, ...pathname.split('/'), ...searchParams.values()].filter(
    ({ length }) => length > 7,
  )
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text)
}
