import { z } from 'zod'

/**
 * What a node may answer. `error` is the node's own word; `unreachable` is everything else: no connection,
 * a cut one, silence, an overloaded gateway, an answer that cannot be read. Of a request that changes
 * something, only `error` tells that it did not happen.
 */
export type RpcFailure =
  | { kind: 'error'; code: number; message: string; data?: unknown }
  | { kind: 'unreachable'; message: string }

export type RpcResult<Value> = { ok: true; value: Value } | { ok: false; failure: RpcFailure }

/** JSON-RPC 2.0 over HTTP with kept connections. Never rejects. */
export type RpcClient = {
  /** A question. Those asked in one turn of the event loop travel together. */
  read: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ) => Promise<RpcResult<z.output<Schema>>>
  /** A request that changes something: travels alone and is never repeated. */
  submit: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ) => Promise<RpcResult<z.output<Schema>>>
  /** Cuts what is under way; every later call is `unreachable`. */
  close: () => void
}

type Call = { method: string; params: readonly unknown[]; settle: (answer: RpcResult<unknown>) => void }

const TIMEOUT_MS = 10_000
const MAX_BATCH = 100
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/**
 * Messages never name the address, which often carries an access key.
 *
 * @param tries how often a question is asked whose answer gets lost.
 */
export function createRpcClient(url: string, tries: number): RpcClient {
  const closed = new AbortController()
  let queue: Call[] = []

  const flush = () => {
    const calls = queue
    queue = []
    for (let start = 0; start < calls.length; start += MAX_BATCH) {
      const batch = calls.slice(start, start + MAX_BATCH)
      exchange(batch, tries).then((answers) => batch.forEach((call, index) => void call.settle(answers[index]!)))
    }
  }

  const exchange = async (calls: readonly Call[], tries: number): Promise<RpcResult<unknown>[]> => {
    const body = calls.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
    const answer = await post(url, body.length === 1 ? body[0] : body, closed.signal)
    if (answer.ok) return calls.map((_, id) => pick(answer.value, id))
    if (tries > 1 && !closed.signal.aborted) return await exchange(calls, tries - 1)
    return calls.map(() => answer)
  }

  return {
    read: async (method, params, schema) => {
      const answer = await new Promise<RpcResult<unknown>>((settle) => {
        if (queue.push({ method, params, settle }) === 1) setImmediate(flush)
      })
      return conform(answer, method, schema)
    },
    submit: async (method, params, schema) => {
      const [answer] = await exchange([{ method, params, settle: () => {} }], 1)
      return conform(answer!, method, schema)
    },
    close: () => closed.abort(),
  }
}

async function post(url: string, body: unknown, closed: AbortSignal): Promise<RpcResult<unknown>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([closed, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const text = await readText(response)
    if (response.status === 429 || response.status >= 500) return unreachable(`HTTP status ${response.status}`)
    return { ok: true, value: parseJson(text) }
  } catch (error) {
    return unreachable(error instanceof Error ? error.name : 'no connection')
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new RangeError('answer too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

type Reviver = (key: string, value: unknown) => unknown

/** JSON whose integers above 2^53 become bigint instead of losing digits. */
function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, { source }: { source?: string }) =>
    source !== undefined && typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value
  return JSON.parse(text, exact as Reviver)
}

const NodeError = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() })
const Answer = z.object({ id: z.number(), result: z.unknown().optional(), error: NodeError.nullish() })

function pick(body: unknown, id: number): RpcResult<unknown> {
  const answers: unknown[] = Array.isArray(body) ? body : [body]
  const answer = Answer.safeParse(answers.find((each) => (each as { id?: unknown } | null)?.id === id))
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

function unreachable(why: string): { ok: false; failure: RpcFailure } {
  return { ok: false, failure: { kind: 'unreachable', message: `The node did not answer as it should: ${why}.` } }
}
