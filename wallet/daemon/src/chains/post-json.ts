import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestOverHttp } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { type RpcResult, unreachable } from './rpc-result.ts'

/** Posts JSON to one address over kept connections, and reads JSON. Never rejects. */
export type Poster = {
  post: (body: string) => Promise<RpcResult<unknown>>
  /** Cuts what is under way; every later post is `unreachable`. */
  close: () => void
  closed: () => boolean
}

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/** Over `node:http`, which takes a third of the processor time that `fetch` takes for a request. */
export function createPoster(url: string): Poster {
  const target = new URL(url)
  const options: RequestOptions = { ...urlToHttpOptions(target), method: 'POST', agent: undefined }
  const start = target.protocol === 'https:' ? process.getBuiltinModule('node:https').request : requestOverHttp
  const underWay = new Set<ClientRequest>()
  let closed = false
  return {
    post: async (body) => {
      if (closed) return unreachable('closed')
      try {
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
        const request = start({ ...options, headers })
        underWay.add(request)
        const { status, text } = await exchange(request, body).finally(() => underWay.delete(request))
        if (status === 429 || status >= 500) return unreachable(`HTTP status ${status}`)
        if (status >= 300 && status < 400) return unreachable('a redirection')
        return { ok: true, value: parseJson(text) }
      } catch (error) {
        return unreachable(error instanceof Error ? error.name : 'no connection')
      }
    },
    close: () => {
      closed = true
      for (const request of underWay) request.destroy(new Error('closed'))
    },
    closed: () => closed,
  }
}

/** Rejects where there is no whole answer in time. */
function exchange(request: ClientRequest, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => request.destroy(new DOMException('no answer in time', 'TimeoutError')), TIMEOUT_MS)
    const fail = (error: Error) => {
      clearTimeout(late)
      reject(error)
    }
    request.once('error', fail)
    request.once('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER_BYTES) request.destroy(new RangeError('answer too long'))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('close', () => {
        if (!response.complete) return fail(new Error('the answer broke off'))
        clearTimeout(late)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    request.end(body)
  })
}

type Reviver = (key: string, value: unknown) => unknown

/** A bare number of so many digits may be above 2^53. */
const LONG_NUMBER = /[:,[\s]-?\d{16}/

/** JSON whose integers above 2^53 become bigint instead of losing digits. */
function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, { source }: { source?: string }) =>
    source !== undefined && typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value
  return JSON.parse(text, exact as Reviver)
}
