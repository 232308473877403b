import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { ChatRequest } from '@openpista/testing'

/** The model service of the benchmarks; see `model-process.ts` for the models it has. */
export type BenchModel = {
  baseUrl: string
  apiKey: string
  report: () => Promise<ModelReport>
  /** Sends a request that the agent made, once more and without the agent, and reads the whole answer. */
  ask: (body: ChatRequest) => Promise<void>
  stop: () => Promise<void>
}

export type ModelReport = {
  /** Requests so far. */
  asked: number
  /** The last of them, and its size as it came. */
  last: ChatRequest | undefined
  bytes: number
}

export async function startModel(): Promise<BenchModel> {
  const child = fork(new URL('./model-process.ts', import.meta.url), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const heard = async () => {
    const [message] = await Promise.race([once(child, 'message'), ended.then(() => [])])
    if (message === undefined) throw new Error('the model service ended by itself')
    return message as unknown
  }
  const { baseUrl, apiKey } = (await heard()) as { baseUrl: string; apiKey: string }
  const connections = new Agent({ keepAlive: true })
  return {
    baseUrl,
    apiKey,
    report: async () => {
      child.send('report')
      return (await heard()) as ModelReport
    },
    ask: (body) => post(`${baseUrl}/chat/completions`, apiKey, JSON.stringify(body), connections),
    stop: async () => {
      connections.destroy()
      child.disconnect()
      await ended
    },
  }
}

/** By the plainest client there is, so that the model's own time holds as little else as can be. */
function post(url: string, key: string, body: string, agent: Agent): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the model answered ${response.statusCode}`))
      response.resume().once('end', resolve).once('error', reject)
    })
    outgoing.once('error', reject).end(body)
  })
}
