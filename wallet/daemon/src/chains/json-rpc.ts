import { z } from 'zod'
import { createPoster } from './post-json.ts'
import { type RpcResult, unreachable } from './rpc-result.ts'

/** JSON-RPC 2.0 over HTTP with kept connections. Never rejects. What is asked in one turn of the event loop travels together. */
export type RpcClient = {
  /** A question. */
  read: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ) => Promise<RpcResult<z.output<Schema>>>
  /** A request that changes something: travels with its like only, in the order of the calls, and is never repeated. */
  submit: <Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ) => Promise<RpcResult<z.output<Schema>>>
  /** Cuts what is under way; every later call is `unreachable`. */
  close: () => void
}

type Call = { method: string; params: readonly unknown[]; settle: (answer: RpcResult<unknown>) => void }

const MAX_READS = 100
const MAX_SUBMITS = 32

/**
 * Messages never name the address, which often carries an access key.
 *
 * @param tries how often a question is asked whose answer gets lost.
 */
export function createRpcClient(url: string, tries: number): RpcClient {
  const poster = createPoster(url)

  const exchange = async (calls: readonly Call[], tries: number): Promise<RpcResult<unknown>[]> => {
    const body = calls.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }))
    const answer = await poster.post(JSON.stringify(body.length === 1 ? body[0] : body))
    if (answer.ok) return pickAll(answer.value, calls.length)
    if (tries > 1 && !poster.closed()) return await exchange(calls, tries - 1)
    return calls.map(() => answer)
  }
  const together = (most: number, tries: number) => {
    let queue: Call[] = []
    const flush = () => {
      const calls = queue
      queue = []
      for (let start = 0; start < calls.length; start += most) {
        const batch = calls.slice(start, start + most)
        exchange(batch, tries).then((answers) => batch.forEach((call, index) => void call.settle(answers[index]!)))
      }
    }
    return async <Schema extends z.ZodType>(method: string, params: readonly unknown[], schema: Schema) => {
      const answer = await new Promise<RpcResult<unknown>>((settle) => {
        if (queue.push({ method, params, settle }) === 1) setImmediate(flush)
      })
      return conform(answer, method, schema)
    }
  }
  return { read: together(MAX_READS, tries), submit: together(MAX_SUBMITS, 1), close: poster.close }
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
