import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A node in front of another: passes everything on, unless told to fail or to tell something else. */
export type NodeProxy = {
  url: string
  /** Methods that arrived, in order. */
  asked: string[]
  /** What happens to every request from now on. */
  behave: (how: 'well' | 'cut' | 'hang' | 429 | 503 | NodeRefusal) => void
  /** Answers to these methods are made up, as by a node that is behind or serves another chain. */
  pretend: (results: Readonly<Record<string, unknown>>) => void
  /** Answers to these methods are errors. */
  refuse: (errors: Readonly<Record<string, NodeRefusal['error']>>) => void
  /** Several questions together get one error object. */
  refuseBatches: () => void
  /** The request is passed on, and the connection is cut before the answer. */
  loseAnswersTo: (method: string) => void
  close: () => Promise<void>
}

/** An error that every request gets, with any HTTP status. */
export type NodeRefusal = {
  status?: number
  headers?: Record<string, string>
  error: { code: number; message: string }
}

type Question = { id: number; method: string }

export async function startNodeProxy(target: string): Promise<NodeProxy> {
  let how: Parameters<NodeProxy['behave']>[0] = 'well'
  let made: Readonly<Record<string, unknown>> = {}
  let refusals: Readonly<Record<string, NodeRefusal['error']>> = {}
  let takesBatches = true
  let losing: string | undefined
  const asked: string[] = []

  const pass = async (body: string) => {
    const response = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return await response.text()
  }
  const answer = async (request: IncomingMessage) => {
    const body = await text(request)
    const parsed = JSON.parse(body) as Question | Question[]
    const questions = [parsed].flat()
    asked.push(...questions.map(({ method }) => method))
    if (typeof how === 'object') {
      const { status = 200, headers = {}, error } = how
      const refused = questions.map(({ id }) => ({ jsonrpc: '2.0', id, error }))
      return { status, headers, body: JSON.stringify(Array.isArray(parsed) ? refused : refused[0]) }
    }
    if (how !== 'well') return { how }
    if (Array.isArray(parsed) && !takesBatches) {
      const error = { code: -32600, message: 'Batch requests are not supported' }
      return { body: JSON.stringify({ jsonrpc: '2.0', id: null, error }) }
    }
    const told = questions.every(({ method }) => method in made || method in refusals) ? '[]' : await pass(body)
    if (questions.some(({ method }) => method === losing)) return { how: 'cut' as const }
    const answers = [JSON.parse(told) as { id: number }].flat()
    const changed = questions.map(({ id, method }) =>
      method in refusals
        ? { jsonrpc: '2.0', id, error: refusals[method] }
        : method in made
          ? { jsonrpc: '2.0', id, result: made[method] }
          : answers.find((each) => each.id === id),
    )
    return { body: JSON.stringify(Array.isArray(parsed) ? changed : changed[0]) }
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => {
        if ('body' in reply) {
          response
            .writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
            .end(reply.body)
        } else if (reply.how === 'cut') response.destroy()
        else if (typeof reply.how === 'number') response.writeHead(reply.how).end('{}')
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    behave: (next) => {
      how = next
    },
    pretend: (results) => {
      made = results
    },
    refuse: (errors) => {
      refusals = errors
    },
    refuseBatches: () => {
      takesBatches = false
    },
    loseAnswersTo: (method) => {
      losing = method
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
