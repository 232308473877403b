import type { Refusal, Transport } from '../personalities/evm-personality.ts'
import type { RpcAnswer } from '../rpc-server.ts'
import { parse, stringify } from '../solana/json-rpc.ts'
import type { TransportAct } from './acts.ts'
import type { Call, Outcome } from './upstream.ts'

/**
 * Answers HTTP bodies as a personality does: batches up to its limit, throttling on command, and each call by
 * `answerCall`, in order.
 */
export class PersonalTransport {
  readonly #rules: Transport
  readonly #answerCall: (call: Call) => Promise<Outcome>
  readonly #oddities = new Set<'reversed' | 'withTextIds'>()
  #throttle: { refusal: Refusal; left: number } | undefined

  constructor(rules: Transport, answerCall: (call: Call) => Promise<Outcome>) {
    this.#rules = rules
    this.#answerCall = answerCall
  }

  act(act: TransportAct): void {
    if (act.kind === 'answers') {
      this.#oddities.add(act.are)
      return
    }
    const refusal = this.#rules.throttling[act.way ?? 0]
    if (!refusal) throw new RangeError(`this personality has ${this.#rules.throttling.length} ways of throttling`)
    this.#throttle = { refusal, left: act.times === 'always' ? Number.POSITIVE_INFINITY : (act.times ?? 1) }
  }

  heal(): void {
    this.#oddities.clear()
    this.#throttle = undefined
  }

  async answer(body: Buffer): Promise<RpcAnswer> {
    let request: unknown
    try {
      request = parse(body.toString())
    } catch {
      return { status: 200, body: stringify(responseOf(null, { error: { code: -32700, message: 'parse error' } })) }
    }
    const refusal = this.#takeThrottle()
    if (!Array.isArray(request)) return refusal ? refuse(refusal, [request]) : this.#answerOne(request)
    if (refusal) return refuse(refusal, request, 'list')
    const { limit = Number.POSITIVE_INFINITY, refusal: tooLarge, oneErrorForAll } = this.#rules.batch
    if (request.length > limit && tooLarge) return refuse(tooLarge, request, tooLarge.shape)
    if (request.length === 0) {
      return { status: 200, body: stringify(responseOf(null, { error: { code: -32600, message: 'empty batch' } })) }
    }
    const responses = await Promise.all(request.map((call) => this.#respond(call)))
    if (this.#oddities.has('reversed')) responses.reverse()
    const failed = oneErrorForAll ? responses.find((response) => 'error' in response) : undefined
    return { status: 200, body: stringify(failed ?? responses) }
  }

  #takeThrottle(): Refusal | undefined {
    const current = this.#throttle
    if (!current) return undefined
    current.left -= 1
    if (current.left <= 0) this.#throttle = undefined
    return current.refusal
  }

  async #answerOne(call: unknown): Promise<RpcAnswer> {
    return { status: 200, body: stringify(await this.#respond(call)) }
  }

  async #respond(call: unknown): Promise<object> {
    const { id, method, params } = (call ?? {}) as { id?: unknown; method?: unknown; params?: unknown }
    if (typeof method !== 'string') {
      return responseOf(id, { error: { code: -32600, message: 'invalid request' } })
    }
    const outcome = await this.#answerCall({ id, method, params: Array.isArray(params) ? params : [] })
    return responseOf(this.#oddities.has('withTextIds') ? String(id) : id, outcome)
  }
}

function responseOf(id: unknown, outcome: Outcome): object {
  return { jsonrpc: '2.0', id: id ?? null, ...outcome }
}

function refuse(refusal: Refusal, calls: readonly unknown[], shape: 'list' | 'object' = 'object'): RpcAnswer {
  const { status, body, retryAfterSeconds, idless } = refusal
  const headers: Record<string, string> = {}
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  if (refusal.error === undefined) return { status, headers, body: body ?? '' }
  const error = { ...refusal.error, message: refusal.error.message.replace('{calls}', String(calls.length)) }
  const responses = calls.map((call) => responseOf(idless ? null : (call as { id?: unknown } | null)?.id, { error }))
  return { status, headers, body: stringify(shape === 'list' ? responses : responses[0]) }
}
