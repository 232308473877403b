import { type IncomingMessage, type RequestOptions, request as requestOverHttp } from 'node:http'
import { urlToHttpOptions } from 'node:url'

/**
 * One HTTP exchange with a node. Rejects where there is no whole answer, and when `signal` is aborted. The only
 * thing that a simulation of nodes has to replace.
 */
export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer | 'not sent'>

export type ExchangeRequest = {
  url: string
  /**
   * Called at most once, when the connection is ready, in the same turn of the event loop as the write to the socket.
   * Where it was not called, or returned `undefined`, nothing was sent.
   */
  body: () => string | undefined
  signal?: AbortSignal
}

export type ExchangeAnswer = {
  status: number
  text: string
  /** From the header Retry-After, where it is a number. */
  retryAfterSeconds?: number
}

const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/** Over `node:http` with kept connections, which takes a third of the processor time that `fetch` takes for a request. */
export const httpExchange: Exchange = ({ url, body, signal }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const target = new URL(url)
    const isSecure = target.protocol === 'https:'
    const start = isSecure ? process.getBuiltinModule('node:https').request : requestOverHttp
    const options: RequestOptions = { ...urlToHttpOptions(target), method: 'POST', agent: undefined }
    const request = start({ ...options, headers: { 'content-type': 'application/json' } })
    const abort = () => request.destroy(signal?.reason)
    signal?.addEventListener('abort', abort)
    request.once('close', () => signal?.removeEventListener('abort', abort))
    request.on('error', reject)
    request.once('response', (response) => {
      readText(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, text, ...pauseOf(response) }),
        reject,
      )
    })
    const send = () => {
      const content = body()
      if (content === undefined) {
        resolve('not sent')
        request.destroy()
        return
      }
      request.setHeader('content-length', Buffer.byteLength(content))
      request.end(content)
    }
    request.once('socket', (socket) => {
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', send)
      else send()
    })
  })

function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) response.destroy(new RangeError('answer too long'))
      else chunks.push(chunk)
    })
    response.once('error', reject)
    response.once('close', () => {
      if (response.complete) resolve(Buffer.concat(chunks).toString('utf8'))
      else reject(new Error('the answer broke off'))
    })
  })
}

function pauseOf({ headers }: IncomingMessage): { retryAfterSeconds?: number } {
  const text = headers['retry-after']
  return text !== undefined && /^\d{1,9}$/.test(text) ? { retryAfterSeconds: Number(text) } : {}
}
