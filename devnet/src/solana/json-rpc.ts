import type { RpcAnswer } from '../rpc-server.ts'
import { accountMethods } from './account-methods.ts'
import { blockMethods } from './block-methods.ts'
import { chainMethods } from './chain-methods.ts'
import type { RpcContext, RpcMethod } from './context.ts'
import { RpcFault } from './rpc-fault.ts'
import { transactionMethods } from './transaction-methods.ts'

const METHODS: ReadonlyMap<string, RpcMethod> = new Map(
  Object.entries({ ...chainMethods, ...blockMethods, ...accountMethods, ...transactionMethods }),
)

/** Answers a JSON-RPC body, single or batch. */
export function answerJsonRpc(context: RpcContext, body: Buffer): RpcAnswer {
  let request: unknown
  try {
    request = parse(body.toString())
  } catch {
    return { status: 200, body: stringify(failure(null, new RpcFault(-32700, 'Parse error'))) }
  }
  if (!Array.isArray(request)) return { status: 200, body: stringify(answerCall(context, request)) }
  if (request.length === 0) return { status: 200, body: stringify(failure(null, INVALID_REQUEST)) }
  return { status: 200, body: `[${request.map((call) => stringify(answerCall(context, call))).join(',')}]` }
}

const INVALID_REQUEST = new RpcFault(-32600, 'Invalid request')

function answerCall(context: RpcContext, request: unknown): object {
  if (!isCall(request)) return failure(null, INVALID_REQUEST)
  const { id = null, method, params = [] } = request
  try {
    const run = METHODS.get(method)
    if (!run) throw new RpcFault(-32601, 'Method not found')
    if (!Array.isArray(params)) throw new RpcFault(-32602, 'Invalid params: expected a list')
    return { jsonrpc: '2.0', id, result: run(context, params) }
  } catch (error) {
    if (error instanceof RpcFault) return failure(id, error)
    return failure(id, new RpcFault(-32603, `Internal error: ${error instanceof Error ? error.message : error}`))
  }
}

type Call = { id?: unknown; method: string; params?: unknown }

export function isCall(request: unknown): request is Call {
  return typeof request === 'object' && request !== null && 'method' in request && typeof request.method === 'string'
}

export function failure(id: unknown, { code, message, data }: RpcFault): object {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): object }

/** JSON whose bigints are plain numbers, as the protocol's 64-bit integers are. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? rawJSON(part.toString()) : part))
}

/** JSON whose integers beyond 2^53 become bigints instead of losing digits. */
export function parse(text: string): unknown {
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text)
  const exact = (_: string, value: unknown, context: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?[0-9]{1,20}$/.test(context.source ?? '')
      ? BigInt(context.source ?? '')
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}
