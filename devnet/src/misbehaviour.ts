/**
 * Rules by which a node misbehaves on purpose, so that clients can be tried against a bad network.
 *
 * - `loseAnswer`: the request is carried out, its answer never arrives.
 * - `loseRequest`: nothing is carried out and no answer arrives.
 *   Both end by a connection cut, or with `how: 'hang'` by silence until the client gives up.
 * - `delay`: the request is carried out at once, its answer comes `ms` later.
 * - `refuse`: nothing is carried out; the answer is an HTTP status or a JSON-RPC error.
 */
export type Misbehaviour =
  | { readonly kind: 'loseAnswer' | 'loseRequest'; readonly how?: 'cut' | 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'refuse'; readonly error: RpcError }

export type RpcError = { readonly code: number; readonly message: string; readonly data?: unknown }

export type Rule = {
  /** JSON-RPC method the rule is for; '*' is every method. */
  readonly method: string
  /** How many calls it hits before it is used up; default 1; 'always': until the rules are cleared. */
  readonly times?: number | 'always'
  readonly action: Misbehaviour
}

/** The rules in force. The first rule that matches a call decides, and is used up by one. */
export class RuleBook {
  #rules: { rule: Rule; left: number }[] = []

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  add(rule: Rule): void {
    const left = rule.times === 'always' ? Number.POSITIVE_INFINITY : (rule.times ?? 1)
    this.#rules.push({ rule, left })
  }

  clear(): void {
    this.#rules = []
  }

  take(method: unknown): Misbehaviour | undefined {
    const entry = this.#rules.find(({ rule }) => rule.method === '*' || rule.method === method)
    if (!entry) return undefined
    entry.left -= 1
    if (entry.left <= 0) this.#rules = this.#rules.filter((other) => other !== entry)
    return entry.rule.action
  }
}

/** A rule out of untrusted JSON; throws a TypeError that says what is wrong. */
export function parseRule(input: unknown): Rule {
  const { method, times, action } = asObject(input, 'rule')
  if (typeof method !== 'string' || method === '') throw new TypeError('rule.method must be a method name or "*"')
  if (times !== undefined && times !== 'always' && !(Number.isSafeInteger(times) && (times as number) > 0)) {
    throw new TypeError('rule.times must be a whole number above 0 or "always"')
  }
  const rule = { method, action: parseAction(asObject(action, 'rule.action')) }
  return times === undefined ? rule : { ...rule, times: times as number | 'always' }
}

function parseAction({ kind, how, ms, status, error }: Record<string, unknown>): Misbehaviour {
  if (kind === 'loseAnswer' || kind === 'loseRequest') {
    if (how !== undefined && how !== 'cut' && how !== 'hang') throw new TypeError('action.how must be "cut" or "hang"')
    return { kind, how: how ?? 'cut' }
  }
  if (kind === 'delay') {
    if (!Number.isSafeInteger(ms) || (ms as number) < 0) throw new TypeError('action.ms must be milliseconds')
    return { kind, ms: ms as number }
  }
  if (kind === 'refuse' && status !== undefined) {
    const isHttpFailure = Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599
    if (!isHttpFailure) throw new TypeError('action.status must be an HTTP status from 400 to 599')
    return { kind, status: status as number }
  }
  if (kind === 'refuse') {
    const { code, message, data } = asObject(error, 'action.error')
    if (!Number.isSafeInteger(code) || typeof message !== 'string') {
      throw new TypeError('action.error needs a whole number "code" and a text "message"')
    }
    return { kind, error: { code: code as number, message, ...(data === undefined ? {} : { data }) } }
  }
  throw new TypeError('action.kind must be loseAnswer, loseRequest, delay or refuse')
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object`)
  }
  return value as Record<string, unknown>
}
