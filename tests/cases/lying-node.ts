import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type Call = { id: number; method: string; params?: unknown[] }
export type Answer = { result?: unknown; error?: { code: number; message: string } }
/** What a node answers instead of the truth; undefined for the truth. */
export type Lie = (call: Call, ask: () => Promise<Answer>) => Answer | undefined | Promise<Answer | undefined>

export type LyingNode = {
  rpcUrl: string
  lie: (lie: Lie) => void
  beHonest: () => void
  setDown: (isDown: boolean) => void
  stop: () => Promise<void>
}

/** A node in front of an honest one. */
export async function startLyingNode(upstream: string): Promise<LyingNode> {
  const honest: Lie = () => undefined
  let lie = honest
  let isDown = false
  const ask = async (call: Call): Promise<Answer> => {
    const response = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...call, jsonrpc: '2.0' }),
    })
    return (await response.json()) as Answer
  }
  const answer = async (call: Call) => {
    const { result, error } = (await lie(call, () => ask(call))) ?? (await ask(call))
    return { jsonrpc: '2.0', id: call.id, ...(error ? { error } : { result: result ?? null }) }
  }
  const server = createServer(async (request, response) => {
    const asked = JSON.parse(await text(request)) as Call | Call[]
    if (isDown) return void response.writeHead(503).end('{}')
    try {
      const answers = Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers))
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie: (next) => {
      lie = next
    },
    beHonest: () => {
      lie = honest
    },
    setDown: (next) => {
      isDown = next
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
