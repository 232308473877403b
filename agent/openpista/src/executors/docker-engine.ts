import type { IncomingMessage } from 'node:http'

/** How long the engine may take to answer. What waits for a container's end has no such limit. */
const ANSWER_MS = 15_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** What the engine said, or why it said nothing, in words. `missing`: there is no engine. */
export type EngineAnswer =
  | { ok: true; body: unknown }
  | { ok: false; status: number; message: string; missing: boolean }

/** An engine that speaks the Docker Engine API over its Unix socket. */
export type DockerEngine = {
  call: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<EngineAnswer>
  /** Resolves when a container has ended, however long that takes, or with the signal. */
  wait: (id: string, signal: AbortSignal) => Promise<EngineAnswer>
  /** The output of a container, from before its start; the caller destroys it. */
  attach: (id: string) => Promise<{ ok: true; output: IncomingMessage } | Extract<EngineAnswer, { ok: false }>>
}

export function createDockerEngine(socketPath: string): DockerEngine {
  const fault = (error: NodeJS.ErrnoException): Extract<EngineAnswer, { ok: false }> => {
    const missing = ['ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTSOCK'].includes(error.code ?? '')
    const why = error.name === 'TimeoutError' ? `no answer within ${ANSWER_MS / 1000}s` : (error.code ?? error.message)
    const hint = missing ? ' Is Docker installed and running, and may this user use it?' : ''
    return { ok: false, status: 0, message: `The container engine at ${socketPath}: ${why}.${hint}`, missing }
  }
  const open = (method: string, path: string, body: object | undefined, signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body)
      const headers = {
        host: 'docker',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      }
      // Not imported by name, for that would load Node's whole HTTP client at every start.
      const { request } = process.getBuiltinModule('node:http')
      request({ socketPath, method, path, headers, signal, agent: false }, resolve).on('error', reject).end(text)
    })
  const ask = async (method: string, path: string, body: object | undefined, signal: AbortSignal) => {
    try {
      return await read(await open(method, path, body, signal))
    } catch (error) {
      return fault(signal.aborted ? signal.reason : (error as NodeJS.ErrnoException))
    }
  }
  return {
    call: (method, path, body) => ask(method, path, body, AbortSignal.timeout(ANSWER_MS)),
    wait: (id, signal) => ask('POST', `/containers/${id}/wait`, undefined, signal),
    attach: async (id) => {
      const path = `/containers/${id}/attach?stream=1&stdout=1&stderr=1`
      const opening = new AbortController()
      const late = setTimeout(() => opening.abort(new DOMException('late', 'TimeoutError')), ANSWER_MS)
      try {
        const output = await open('POST', path, undefined, opening.signal)
        if (output.statusCode === 200 || output.statusCode === 101) return { ok: true, output }
        return (await read(output)) as Extract<EngineAnswer, { ok: false }>
      } catch (error) {
        return fault(opening.signal.aborted ? opening.signal.reason : (error as NodeJS.ErrnoException))
      } finally {
        clearTimeout(late)
      }
    },
  }
}

async function read(response: IncomingMessage): Promise<EngineAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > MAX_ANSWER_BYTES) throw new Error('an answer without end')
    chunks.push(chunk as Buffer)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const status = response.statusCode ?? 0
  const body = parse(text)
  if (status >= 200 && status < 300) return { ok: true, body }
  const said = (body as { message?: unknown } | null)?.message
  return { ok: false, status, message: typeof said === 'string' ? said : `HTTP ${status}`, missing: false }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not every answer of the engine has a body, and a proxy may answer in its own words.
    return null
  }
}
