import { Agent, request as httpRequest } from 'node:http'
import { parse, stringify } from '../solana/json-rpc.ts'

/** A JSON-RPC call as a client wrote it. */
export type Call = { readonly id?: unknown; readonly method: string; readonly params?: readonly unknown[] }

/** What a call came to. */
export type Outcome = { readonly result: unknown } | { readonly error: RpcFailure }
export type RpcFailure = { readonly code: number; readonly message: string; readonly data?: unknown }

/** The node behind a proxy. */
export class Upstream {
  readonly url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(url: string) {
    this.url = new URL(url)
  }

  /** Passes on one call. */
  async send(method: string, params: readonly unknown[]): Promise<Outcome> {
    const [outcome] = await this.sendAll([[method, params]])
    return outcome as Outcome
  }

  /** Passes on calls in one request; the outcomes are in their order. */
  async sendAll(calls: readonly (readonly [method: string, params: readonly unknown[]])[]): Promise<Outcome[]> {
    const batch = calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }))
    const answers = (await this.#post(batch)) as (Outcome & { id: number })[]
    return batch.map(({ id }) => {
      const answer = answers.find((candidate) => candidate.id === id)
      if (!answer) throw new Error(`the upstream node did not answer call ${id} of a batch`)
      return 'error' in answer ? { error: answer.error } : { result: answer.result }
    })
  }

  /** The result of one call; throws on an error. */
  async result(method: string, params: readonly unknown[]): Promise<unknown> {
    const outcome = await this.send(method, params)
    if ('error' in outcome) throw new Error(`the upstream node refused ${method}: ${outcome.error.message}`)
    return outcome.result
  }

  close(): void {
    this.#agent.destroy()
  }

  #post(body: unknown): Promise<unknown> {
    const bytes = Buffer.from(stringify(body))
    const { hostname, port } = this.url
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
    return new Promise((resolve, reject) => {
      const request = httpRequest({ hostname, port, method: 'POST', agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          try {
            resolve(parse(Buffer.concat(chunks).toString()))
          } catch (error) {
            reject(error)
          }
        })
      })
      request.on('error', reject)
      request.end(bytes)
    })
  }
}
