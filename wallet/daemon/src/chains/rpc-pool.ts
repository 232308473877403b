import { z } from 'zod'
import type { BroadcastOptions as AdapterOptions, Broadcast } from './chain-adapter.ts'
import { clip } from './clip.ts'
import { createRpcClient, type RpcClient, type Transport } from './json-rpc.ts'
import {
  admitEndpoint,
  type CheckNode,
  concernsNode,
  createEndpoint,
  type Endpoint,
  type NodeReader,
  type NodeRef,
  note,
} from './rpc-endpoint.ts'
import type { RpcFailure, RpcResult } from './rpc-result.ts'

/**
 * The nodes of one network as one: questions go to the first that is well, and on to the next where it does not
 * answer, is overloaded or fails. A node is used only after it has shown that it serves the network, and has
 * to show it again after each failure.
 */
export type RpcPool = Pick<RpcClient, 'read' | 'close'> & {
  /**
   * Asks every node what it serves. `warning`: those that are refused, where others are left. `lacks`: what nodes do
   * not offer, a sentence per node.
   */
  connect: () => Promise<{ ok: true; warning?: string; lacks?: string } | { ok: false; message: string }>
  /** All questions of `work` go to one node, so that the answers tell of one state of the chain. */
  onOne: <Value>(work: (rpc: NodeReader) => Promise<RpcResult<Value>>) => Promise<RpcResult<Value>>
  /** Asks every node that is well, and answers what those said that answered. */
  onEach: <Value>(work: (rpc: NodeReader) => Promise<RpcResult<Value>>) => Promise<RpcResult<Value[]>>
  /**
   * Hands the same bytes to one node after the other until one takes them, or until they may not leave any more. What
   * is not accepted carries what the nodes said of the fee.
   */
  broadcast: (method: string, params: readonly unknown[], how: BroadcastOptions) => Promise<Broadcast>
}

export type Reader = Pick<RpcClient, 'read'>

export type BroadcastOptions = AdapterOptions & {
  readFailure: (failure: RpcFailure, node: NodeRef) => Broadcast
  /** Whether a node's result names these bytes. One that names others has not said that it took these. */
  isHash: (result: string) => boolean
}

export type PoolOptions = Transport & {
  urls: readonly string[]
  check: CheckNode
  /** What a node does not offer, though it is used where it is; a few words each. */
  probe: (rpc: NodeReader) => Promise<string[]>
  /** How far the chain is for a node. */
  height: (rpc: NodeReader) => Promise<RpcResult<bigint>>
  /** A node that is further behind the others than this comes after them. */
  maxLag: bigint
  /** How often those that failed or fell behind are looked after. */
  surveyMs: number
}

/** How often adapters look after their nodes. */
export const SURVEY_MS = 5_000

export function createRpcPool(options: PoolOptions): RpcPool {
  const { urls, surveyMs, timers } = options
  const single = urls.length === 1
  const endpoints = urls.map((url, index) => {
    const name = single ? 'The node' : `Node ${index + 1} of ${urls.length}`
    const client = createRpcClient(url, single ? 2 : 1, options)
    return createEndpoint(name, { index, host: new URL(url).host }, client, options)
  })
  let surveyed = timers.monotonic()
  let survey: Promise<void> | undefined
  let closed = false

  /** Those that are well in the owner's order, then those that are behind, then those that failed, the soonest due first. */
  const inOrder = (): Endpoint[] => {
    if (!single && !closed && survey === undefined && timers.monotonic() - surveyed >= surveyMs) {
      survey = look(endpoints, options).finally(() => {
        surveyed = timers.monotonic()
        survey = undefined
      })
    }
    const rank = ({ failures, isBehind }: Endpoint) => (failures > 0 ? 2 : isBehind ? 1 : 0)
    return endpoints.toSorted((a, b) => rank(a) - rank(b) || (a.failures > 0 ? a.retryAt - b.retryAt : 0))
  }

  const onOne = async <Value>(work: (rpc: NodeReader) => Promise<RpcResult<Value>>): Promise<RpcResult<Value>> => {
    const failed: Failed[] = []
    for (const endpoint of inOrder()) {
      const admitted = await admitEndpoint(endpoint)
      const answer = admitted.ok ? await work(endpoint.reader) : admitted
      if (admitted.ok) note(endpoint, answer)
      if (answer.ok || !concernsNode(answer.failure)) return answer
      failed.push({ ok: false, failure: { ...answer.failure, message: named(endpoint, answer.failure) } })
    }
    // Why the preferred node cannot be used says more than why its stand-in cannot.
    return failed.every(({ failure }) => failure.kind === 'unable') ? joined(failed) : failed[0]!
  }

  return {
    connect: async () => {
      const answers = await Promise.all(endpoints.map(admitEndpoint))
      const words = answers.flatMap((answer, index) => (answer.ok ? [] : [named(endpoints[index]!, answer.failure)]))
      if (words.length === answers.length) return { ok: false, message: words.join(' ') }
      const used = endpoints.filter((_, index) => answers[index]!.ok)
      const lacks = (await Promise.all(used.map((endpoint) => lackOf(endpoint, options)))).flat().join(' ')
      const warning = words.join(' ')
      return { ok: true, ...(warning !== '' && { warning }), ...(lacks !== '' && { lacks }) }
    },
    read: (method, params, schema) => onOne((rpc) => rpc.read(method, params, schema)),
    onOne,
    onEach: async (work) => {
      const well = inOrder().filter(({ failures }, index) => failures === 0 || index === 0)
      const answers = await Promise.all(
        well.map(async (endpoint) => {
          const admitted = await admitEndpoint(endpoint)
          if (!admitted.ok) return admitted
          const answer = await work(endpoint.reader)
          note(endpoint, answer)
          return answer
        }),
      )
      const values = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
      const fault = answers.find((answer) => !answer.ok)
      return values.length === 0 && fault !== undefined ? fault : { ok: true, value: values }
    },
    broadcast: (method, params, { readFailure, isHash, mayLeave, startAt }) =>
      broadcastInTurn(rotated(inOrder(), startAt), async ({ name, client, reader }) => {
        const answer = await client.submit(method, params, z.string(), mayLeave)
        if (!answer.ok) return { answer, meaning: readFailure(answer.failure, reader.node) }
        return { answer, meaning: isHash(answer.value) ? { kind: 'accepted' } : otherHash(name, answer.value) }
      }),
    close: () => {
      closed = true
      for (const { client } of endpoints) client.close()
    },
  }
}

async function lackOf({ name, reader, client }: Endpoint, { probe }: PoolOptions): Promise<string[]> {
  const lacks = await probe(reader)
  const batches = client.takesTogether() === 1 ? ['several questions at once (batches)'] : []
  const all = [...batches, ...lacks]
  return all.length === 0 ? [] : [`${name} (${reader.node.host}) does not offer ${all.join(', ')}.`]
}

type Failed = { ok: false; failure: RpcFailure }

function named({ name }: Endpoint, { message }: RpcFailure): string {
  return message.replace(/^The node\b/, name)
}

function joined(failed: readonly Failed[]): Failed {
  return {
    ok: false,
    failure: { ...failed[0]!.failure, message: failed.map(({ failure }) => failure.message).join(' ') },
  }
}

/** Looks after nodes that failed or fell behind, beside the questions that are asked. */
async function look(endpoints: readonly Endpoint[], { height, maxLag, timers }: PoolOptions): Promise<void> {
  const due = endpoints.filter(({ failures, retryAt }) => failures === 0 || timers.monotonic() >= retryAt)
  const heights = await Promise.all(
    due.map(async (endpoint) => {
      const admitted = await admitEndpoint(endpoint)
      if (!admitted.ok) return undefined
      // The height of another chain says nothing.
      const [answer, served] = await Promise.all([height(endpoint.reader), endpoint.reader.confirm()])
      note(endpoint, answer)
      return answer.ok && served.ok ? answer.value : undefined
    }),
  )
  const best = heights.reduce<bigint>((most, each) => (each !== undefined && each > most ? each : most), 0n)
  for (const [index, endpoint] of due.entries()) {
    const at = heights[index]
    endpoint.isBehind = at !== undefined && best - at > maxLag
  }
}

/**
 * The nodes that respond begin with another one; the rest stay behind them. One that lags passes bytes on all the same,
 * and gets its turn: what the others took they may have told nobody.
 */
function rotated(endpoints: readonly Endpoint[], startAt: number): Endpoint[] {
  const isWell = ({ failures }: Endpoint) => failures === 0
  const well = endpoints.filter(isWell)
  const first = well.length === 0 ? 0 : startAt % well.length
  return [...well.slice(first), ...well.slice(0, first), ...endpoints.filter((each) => !isWell(each))]
}

function otherHash(name: string, hash: string): Broadcast {
  const message = `${name} returned the hash of another transaction, ${clip(hash)}: it has not said that it took this one.`
  return { kind: 'not accepted', message, unheard: true }
}

/** Until one takes the bytes. */
async function broadcastInTurn(
  endpoints: readonly Endpoint[],
  submit: (endpoint: Endpoint) => Promise<{ answer: RpcResult<unknown>; meaning: Broadcast }>,
): Promise<Broadcast> {
  const heard: Exclude<Broadcast, { kind: 'accepted' }>[] = []
  let unasked: string | undefined
  for (const endpoint of endpoints) {
    const admitted = await admitEndpoint(endpoint)
    if (!admitted.ok) {
      unasked ??= admitted.failure.message
      continue
    }
    const { answer, meaning } = await submit(endpoint)
    note(endpoint, answer)
    if (meaning.kind === 'accepted') return meaning
    heard.push(meaning)
    if (!answer.ok && answer.failure.kind === 'withheld') break
  }
  const told = heard.find(({ wants }) => wants !== undefined) ?? heard.find(({ unheard }) => !unheard) ?? heard[0]
  return told ?? { kind: 'not accepted', message: unasked!, unheard: true }
}
