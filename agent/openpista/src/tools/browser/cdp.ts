import type { Readable, Writable } from 'node:stream'

type Params = Record<string, unknown>

export type CdpEvent = { method: string; params: Params; sessionId?: string }

/** A connection to a Chromium by the DevTools protocol, over the two pipes that it was started with. */
export type Cdp = {
  /** @throws CdpError when the browser refuses the command, or is gone. */
  send: (method: string, params?: Params, sessionId?: string) => Promise<Params>
  /** Calls back for every event until the returned function is called. */
  listen: (listener: (event: CdpEvent) => void) => () => void
}

export class CdpError extends Error {
  override name = 'CdpError'
}

type Answer = { id: number; result?: Params; error?: { message: string } }
type Waiting = { method: string; resolve: (result: Params) => void; reject: (error: CdpError) => void }

/** Messages are JSON, each followed by a NUL. */
export function connectCdp(output: Writable, input: Readable): Cdp {
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(event: CdpEvent) => void>()
  let isClosed = false
  let lastId = 0

  const end = () => {
    isClosed = true
    for (const { method, reject } of waiting.values()) reject(new CdpError(`${method}: the browser is gone`))
    waiting.clear()
  }
  const take = (message: Answer | CdpEvent) => {
    if ('method' in message) {
      for (const listener of listeners) listener(message)
      return
    }
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) asked?.resolve(message.result ?? {})
    else asked?.reject(new CdpError(`${asked.method}: ${message.error.message}`))
  }

  readMessages(input, (text) => take(JSON.parse(text) as Answer | CdpEvent))
  for (const event of ['close', 'error'] as const) {
    input.once(event, end)
    output.on(event, end)
  }
  return {
    send: (method, params = {}, sessionId) => {
      if (isClosed) return Promise.reject(new CdpError(`${method}: the browser is gone`))
      const id = ++lastId
      const { promise, resolve, reject } = Promise.withResolvers<Params>()
      waiting.set(id, { method, resolve, reject })
      output.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
      return promise
    },
    listen: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function readMessages(input: Readable, take: (text: string) => void): void {
  let parts: Buffer[] = []
  input.on('data', (chunk: Buffer) => {
    let from = 0
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, from)) {
      parts.push(chunk.subarray(from, end))
      take(Buffer.concat(parts).toString('utf8'))
      parts = []
      from = end + 1
    }
    parts.push(chunk.subarray(from))
  })
}
