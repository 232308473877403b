import { z } from 'zod'
import type { Broadcast } from './chain-adapter.ts'
import { createRpcClient, type RpcClient, type RpcFailure, type RpcResult } from './json-rpc.ts'

/**
 * The nodes of one network as one: questions go to the first that is well, and on to the next where it does not
 * answer, is overloaded or fails. A node is used only after it has shown that it serves the network, and has
 * to show it again after each failure.
 */
export type RpcPool = Pick<RpcClient, 'read' | 'close'> & {
  /** Asks every node what it serves. `warning`: those that are refused, where others are left. */
  connect: () => Promise<{ ok: true; warning?: string } | { ok: false; message: string }>
  /** All questions of `work` go to one node, so that the answers tell of one state of the chain. */
  onOne: <Value>(work: (rpc: Reader) => Promise<RpcResult<Value>>) => Promise<RpcResult<Value>>
  /** Asks every node that is well, and answers what those said that answered. */
  onEach: <Value>(work: (rpc: Reader) => Promise<RpcResult<Value>>) => Promise<RpcResult<Value[]>>
  /**
   * Hands the same bytes to one node after the other until one takes them. They are refused only where every
   * node refused them that may have got them.
   */
  broadcast: (
    method: string,
    params: readonly unknown[],
    readFailure: (failure: RpcFailure) => Broadcast,
  ) => Promise<Broadcast>
}

export type Reader = Pick<RpcClient, 'read'>

export type PoolOptions = {
  urls: readonly string[]
  /** Asks a node whether it serves the network; the value says in words what is wrong. */
  check: (rpc: Reader) => Promise<RpcResult<string | undefined>>
  /** How far the chain is for a node. */
  height: (rpc: Reader) => Promise<RpcResult<bigint>>
  /** A node that is further behind the others than this comes after them. */
  maxLag: bigint
  /** How often those that failed or fell behind are looked after. */
  surveyMs: number
}

type Endpoint = {
  name: string
  client: RpcClient
  /** In words, what is wrong with the chain it serves; `null` for the right one, `undefined` before it was asked. */
  fault: string | null | undefined
  faultSince: number
  checking: Promise<RpcResult<null>> | undefined
  failures: number
  retryAt: number
  isBehind: boolean
}

/** How often adapters look after their nodes. */
export const SURVEY_MS = 5_000

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

export function createRpcPool(options: PoolOptions): RpcPool {
  const { urls, check, height, maxLag, surveyMs } = options
  const single = urls.length === 1
  const endpoints: Endpoint[] = urls.map((url, index) => ({
    name: single ? 'The node' : `Node ${index + 1} of ${urls.length}`,
    client: createRpcClient(url, single ? 2 : 1),
    fault: undefined,
    faultSince: 0,
    checking: undefined,
    failures: 0,
    retryAt: 0,
    isBehind: false,
  }))
  let surveyed = performance.now()
  let survey: Promise<void> | undefined
  let closed = false

  const admit = async (endpoint: Endpoint): Promise<RpcResult<null>> => {
    if (endpoint.fault === null) return right
    if (endpoint.fault !== undefined && performance.now() - endpoint.faultSince < LONGEST_PAUSE_MS) {
      return refused(endpoint.fault)
    }
    endpoint.checking ??= ask(endpoint, check).finally(() => {
      endpoint.checking = undefined
    })
    return await endpoint.checking
  }

  /** Looks after nodes that failed or fell behind, beside the questions that are asked. */
  const look = async () => {
    const due = endpoints.filter(({ failures, retryAt }) => failures === 0 || performance.now() >= retryAt)
    const heights = await Promise.all(
      due.map(async (endpoint) => {
        const admitted = await admit(endpoint)
        if (!admitted.ok) return undefined
        const answer = await height(endpoint.client)
        note(endpoint, answer)
        return answer.ok ? answer.value : undefined
      }),
    )
    const best = heights.reduce<bigint>((most, each) => (each !== undefined && each > most ? each : most), 0n)
    for (const [index, endpoint] of due.entries()) {
      const at = heights[index]
      endpoint.isBehind = at !== undefined && best - at > maxLag
    }
  }

  /** Those that are well in the owner's order, then those that are behind, then those that failed, the soonest due first. */
  const inOrder = (): Endpoint[] => {
    if (!single && !closed && survey === undefined && performance.now() - surveyed >= surveyMs) {
      survey = look().finally(() => {
        surveyed = performance.now()
        survey = undefined
      })
    }
    const rank = ({ failures, isBehind }: Endpoint) => (failures > 0 ? 2 : isBehind ? 1 : 0)
    return endpoints.toSorted((a, b) => rank(a) - rank(b) || (a.failures > 0 ? a.retryAt - b.retryAt : 0))
  }

  const onOne = async <Value>(work: (rpc: Reader) => Promise<RpcResult<Value>>): Promise<RpcResult<Value>> => {
    let last: RpcResult<Value> | undefined
    for (const endpoint of inOrder()) {
      const admitted = await admit(endpoint)
      const answer = admitted.ok ? await work(endpoint.client) : admitted
      if (admitted.ok) note(endpoint, answer)
      if (answer.ok || !isPassing(answer.failure)) return answer
      // Why the preferred node cannot be used says more than why its stand-in cannot.
      last ??= answer
    }
    return last!
  }

  return {
    connect: async () => {
      const answers = await Promise.all(endpoints.map(admit))
      const words = answers.flatMap((answer) => (answer.ok ? [] : [answer.failure.message]))
      if (words.length === answers.length) return { ok: false, message: words.join(' ') }
      return words.length === 0 ? { ok: true } : { ok: true, warning: words.join(' ') }
    },
    read: (method, params, schema) => onOne((rpc) => rpc.read(method, params, schema)),
    onOne,
    onEach: async (work) => {
      const well = inOrder().filter(({ failures }, index) => failures === 0 || index === 0)
      const answers = await Promise.all(
        well.map(async (endpoint) => {
          const admitted = await admit(endpoint)
          if (!admitted.ok) return admitted
          const answer = await work(endpoint.client)
          note(endpoint, answer)
          return answer
        }),
      )
      const values = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
      const fault = answers.find((answer) => !answer.ok)
      return values.length === 0 && fault !== undefined ? fault : { ok: true, value: values }
    },
    broadcast: async (method, params, readFailure) => {
      const heard: Broadcast[] = []
      let unasked: Broadcast | undefined
      for (const endpoint of inOrder()) {
        const admitted = await admit(endpoint)
        if (!admitted.ok) {
          unasked ??= { kind: 'unknown', message: admitted.failure.message }
          continue
        }
        const answer = await endpoint.client.submit(method, params, z.unknown())
        note(endpoint, answer)
        const meaning: Broadcast = answer.ok ? { kind: 'accepted' } : readFailure(answer.failure)
        if (meaning.kind === 'accepted') return meaning
        heard.push(meaning)
      }
      return heard.find(({ kind }) => kind === 'unknown') ?? heard[0] ?? unasked!
    },
    close: () => {
      closed = true
      for (const { client } of endpoints) client.close()
    },
  }
}

const right: RpcResult<null> = { ok: true, value: null }

function refused(message: string): { ok: false; failure: RpcFailure } {
  return { ok: false, failure: { kind: 'unreachable', message } }
}

async function ask(endpoint: Endpoint, check: PoolOptions['check']): Promise<RpcResult<null>> {
  const answer = await check(endpoint.client)
  if (!answer.ok) {
    note(endpoint, answer)
    return answer
  }
  endpoint.fault = answer.value === undefined ? null : `${endpoint.name} ${answer.value}`
  endpoint.faultSince = performance.now()
  return endpoint.fault === null ? right : refused(endpoint.fault)
}

/** What an answer tells about the node that gave it. */
function note(endpoint: Endpoint, answer: RpcResult<unknown>): void {
  if (answer.ok || !isPassing(answer.failure)) {
    endpoint.failures = 0
    return
  }
  const now = performance.now()
  // Questions that failed together are one failure.
  if (endpoint.failures > 0 && now < endpoint.retryAt) return
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(endpoint.failures, 16), LONGEST_PAUSE_MS)
  endpoint.failures += 1
  endpoint.retryAt = now + pause
  endpoint.fault = undefined
}

/** JSON-RPC codes by which gateways say that too much was asked. */
const OVERLOADED = [-32005, -32029]

/** True for what is wrong with the node, and not with the question. */
function isPassing(failure: RpcFailure): boolean {
  return failure.kind === 'unreachable' || OVERLOADED.includes(failure.code)
}
