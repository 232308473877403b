/**
 * A simulated Solana cluster behind JSON-RPC, in process and under a simulated clock. The truth is in
 * `solana-chain.ts`; what its nodes show of it, and when, is drawn from the faults.
 */

import { createSolanaChain, type SolanaChain } from './solana-chain.ts'
import { createFaultDice, type FaultCounts, type FaultDice, type SolanaFaults } from './solana-faults.ts'
import { accountAt, trunkBlock } from './solana-ledger.ts'
import { nodeBehind, sentBytes, solanaMethods } from './solana-methods.ts'
import { createSolanaNode, type NodeView, type SolanaNode } from './solana-node.ts'
import { RpcFault } from './solana-params.ts'
import type { Exchange, ExchangeAnswer, Random, Timers } from './solana-ports.ts'
import type { Effect } from './solana-producer.ts'
import { EMPTY_ACCOUNT, nonceAccount } from './solana-runtime.ts'
import { drawEffect, drawSendAnswer, throttledInBody } from './solana-sending.ts'
import { type SolanaTruth, solanaTruth } from './solana-truth.ts'

export type SolanaClusterOptions = {
  random: Random
  timers: Timers
  faults: SolanaFaults
  /** The addresses under which nodes are reached; each may be several nodes. */
  urls: readonly string[]
  /** What `getGenesisHash` says on every node. */
  genesisHash: string
}

export type SolanaCluster = {
  exchange: Exchange
  truth: SolanaTruth
  /** Gives lamports to an account, outside any transaction. */
  fund: (address: string, lamports: bigint) => void
  /** Makes a durable nonce account. */
  createNonce: (address: string, authority: string, value: string) => void
  /** From now on every node is honest, fast and complete. What was sent before may still land while it is valid. */
  heal: () => void
  /** How often each fault was met. */
  counts: Readonly<FaultCounts>
}

export function createSolanaCluster(options: SolanaClusterOptions): SolanaCluster {
  const { random, timers, faults, urls } = options
  const dice = createFaultDice(faults)
  const chain = createSolanaChain(random.fork('chain'), dice)
  const start = timers.monotonic()
  const now = () => timers.monotonic() - start
  const addresses = new Map(urls.map((url) => [url, createAddress(url, chain, dice, random)]))
  const cluster: Cluster = { ...options, dice, chain, now, addresses }
  return {
    exchange: (request) => exchange(cluster, request),
    truth: solanaTruth(chain, now),
    fund: (address, lamports) => {
      chain.advance(now())
      const { ledger } = chain
      const held = accountAt(ledger, address, trunkBlock(ledger, ledger.trunk.head().slot)) ?? EMPTY_ACCOUNT
      chain.setAccount(address, { ...held, lamports: held.lamports + lamports })
    },
    createNonce: (address, authority, value) => {
      chain.advance(now())
      chain.setAccount(address, nonceAccount(authority, value))
    },
    heal: () => {
      chain.advance(now())
      dice.heal()
    },
    counts: dice.counts,
  }
}

type Address = {
  url: string
  nodes: readonly SolanaNode[]
  random: Random
  drawsPerCall: boolean
  refusesBatches: boolean
}

type Cluster = SolanaClusterOptions & {
  dice: FaultDice
  chain: SolanaChain
  now: () => number
  addresses: ReadonlyMap<string, Address>
}

function createAddress(url: string, chain: SolanaChain, dice: FaultDice, parent: Random): Address {
  const random = parent.fork(`address ${url}`)
  const count = random.chance(dice.rate('mixedBackends')) ? 2 + random.int(2) : 1
  const nodes = Array.from({ length: count }, (_, index) =>
    createSolanaNode(`${url} ${index}`, chain, dice, random.fork(`node ${index}`)),
  )
  const drawsPerCall = count > 1 && random.chance(dice.rate('mixedInBatch'))
  return { url, nodes, random, drawsPerCall, refusesBatches: random.chance(dice.rate('batchRefused')) }
}

type Reply = { kind: 'answer'; answer: ExchangeAnswer } | { kind: 'lost' }

/** Milliseconds until a connection without an answer breaks. */
const BREAK_MS = 30_000

function exchange(
  cluster: Cluster,
  { url, body, signal }: Parameters<Exchange>[0],
): Promise<ExchangeAnswer | 'not sent'> {
  const { timers, addresses, dice } = cluster
  const address = addresses.get(url)
  if (address === undefined) return Promise.resolve('not sent')
  return new Promise((resolve, reject) => {
    let isWritten = false
    let isSettled = false
    const settle = (end: () => void) => {
      if (isSettled) return
      isSettled = true
      signal?.removeEventListener('abort', abort)
      end()
    }
    const abort = () => settle(() => (isWritten ? reject(new Error('aborted')) : resolve('not sent')))
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    const breakOff = (millis: number) =>
      timers.after(millis, () => settle(() => reject(new Error('connection closed without an answer'))))

    timers.after(1 + address.random.int(10), () => {
      if (isSettled) return
      const node = address.random.pick(address.nodes)
      const isRefused = node.isDown(cluster.now())
      if (isRefused) dice.count('outage')
      if (isRefused || dice.strikes('connectionRefused', address.random)) return settle(() => resolve('not sent'))
      const text = body()
      if (text === undefined) return settle(() => resolve('not sent'))
      isWritten = true
      const calls = readCalls(text)
      note(cluster, address, calls)
      if (dice.strikes('requestLost', address.random)) {
        for (const call of calls) hand(cluster, call, 'nowhere')
        breakOff(address.random.chance(0.5) ? 50 : BREAK_MS)
        return
      }
      timers.after(5 + address.random.int(40), () => {
        const reply = serve(cluster, address, node, calls, text)
        if (reply.kind === 'lost') return void breakOff(address.random.chance(0.5) ? 20 : BREAK_MS)
        const isSlow = dice.strikes('slow', address.random)
        const latency = isSlow ? 1_000 + address.random.int(14_000) : 5 + address.random.int(60)
        timers.after(latency, () => settle(() => resolve(reply.answer)))
      })
    })
  })
}

type JsonCall = { id: unknown; method: unknown; params: unknown; bytes: Uint8Array | undefined }

function readCalls(text: string): JsonCall[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return [] // The answer to it is a parse error.
  }
  return (Array.isArray(parsed) ? parsed : [parsed]).map((each) => {
    const { id, method, params = [] } = (each ?? {}) as Partial<JsonCall>
    return { id, method, params, bytes: method === 'sendTransaction' ? sentBytes(params) : undefined }
  })
}

/** Bytes are out from the moment in which they are written. */
function note({ chain, now }: Cluster, { url }: Address, calls: readonly JsonCall[]): void {
  for (const { bytes } of calls) if (bytes !== undefined) chain.note(bytes, now(), url)
}

function hand({ chain, now }: Cluster, { bytes }: JsonCall, effect: Effect): void {
  if (bytes === undefined) return
  chain.advance(now())
  chain.submit(chain.noted(bytes), effect)
}

function serve(cluster: Cluster, address: Address, node: SolanaNode, calls: readonly JsonCall[], text: string): Reply {
  const { dice, chain, now } = cluster
  const { random } = address
  chain.advance(now())
  const isBatch = text.trimStart().startsWith('[')
  const status = (code: number, words: string, retryAfterSeconds?: number): Reply => ({
    kind: 'answer',
    answer: { status: code, text: words, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  })
  if (isBatch && address.refusesBatches && !dice.isHealed()) {
    dice.count('batchRefused')
    return status(403, '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Batch requests are not allowed"},"id":null}')
  }
  if (calls.length === 0) {
    const [code, message] =
      isBatch && text.replace(/\s/g, '') === '[]' ? [-32600, 'Invalid request'] : [-32700, 'Parse error']
    return status(200, JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }))
  }
  const isSend = calls.some(({ method }) => method === 'sendTransaction')
  if (!isSend) {
    if (dice.strikes('readThrottled', random)) return status(429, 'Too Many Requests', 1 + random.int(5))
    if (dice.strikes('readLost', random)) return { kind: 'lost' }
    if (dice.strikes('readGarbage', random)) return garbage(random)
  }
  const drawsPerCall = address.drawsPerCall && !dice.isHealed()
  if (address.nodes.length > 1 && !dice.isHealed()) dice.count('mixedBackends')
  if (drawsPerCall && calls.length > 1) dice.count('mixedInBatch')
  const shared = node.look(now())
  const answers: object[] = []
  for (const call of calls) {
    const view = drawsPerCall ? random.pick(address.nodes).look(now()) : shared
    const answer =
      call.method === 'sendTransaction' ? send(cluster, random, view, call) : read(cluster, random, view, call)
    if (answer === 'lost') return { kind: 'lost' }
    if (answer === 'throttled') return status(429, 'Too Many Requests')
    if (answer === 'garbage') return garbage(random)
    answers.push(answer)
  }
  if (isBatch && answers.length > 1 && dice.strikes('batchShuffled', random)) answers.reverse()
  return status(200, JSON.stringify(isBatch ? answers : answers[0]))
}

/** The bytes go their way whatever the answer is, unless the node itself finds them malformed or failing. */
function send(
  cluster: Cluster,
  random: Random,
  view: NodeView,
  call: JsonCall,
): object | 'lost' | 'throttled' | 'garbage' {
  const { dice } = cluster
  const honest = answer(cluster, view, call)
  const effect = drawEffect(dice, random)
  const said = drawSendAnswer(dice, random)
  hand(cluster, call, 'result' in honest ? effect : 'nowhere')
  if (said.kind === 'fault') return failure(call.id, said.fault)
  if (said.kind === 'result') return { jsonrpc: '2.0', result: said.signature, id: call.id }
  return said.kind === 'honest' ? honest : said.kind
}

function read(cluster: Cluster, random: Random, view: NodeView, call: JsonCall): object {
  const { dice } = cluster
  if (dice.strikes('readThrottledInBody', random)) return failure(call.id, throttledInBody(random))
  if (view.refusesWhenBehind && view.behind > 10) {
    dice.count('unhealthyReads')
    return failure(call.id, nodeBehind(view.behind))
  }
  return answer(cluster, view, call)
}

function answer(cluster: Cluster, node: NodeView, { id, method, params }: JsonCall): object {
  const { chain, dice, genesisHash } = cluster
  try {
    if (typeof method !== 'string') throw new RpcFault(-32600, 'Invalid request')
    const run = Object.hasOwn(solanaMethods, method) ? solanaMethods[method] : undefined
    const isMissing = run !== undefined && node.lacksMethod(method)
    if (isMissing) dice.count('methodMissing')
    if (run === undefined || isMissing) throw new RpcFault(-32601, 'Method not found')
    if (!Array.isArray(params)) throw new RpcFault(-32602, 'Invalid params: expected a sequence')
    return { jsonrpc: '2.0', result: run({ chain, node, dice, genesisHash, params }), id }
  } catch (error) {
    if (error instanceof RpcFault) return failure(id, error)
    throw error
  }
}

function failure(id: unknown, { code, message, data }: RpcFault): object {
  return { jsonrpc: '2.0', error: { code, message, ...(data !== undefined && { data }) }, id: id ?? null }
}

/** Answers that are no JSON-RPC, or not one to this request. */
function garbage(random: Random): Reply {
  const [status, text] = random.pick<[number, string]>([
    [502, '<html><body>502 Bad Gateway</body></html>'],
    [503, ''],
    [504, 'upstream request timeout'],
    [200, ''],
    [200, '{"jsonrpc":"2.0","result":{"context":{"slot":25'],
    [200, '{"jsonrpc":"2.0","id":99999,"result":null}'],
    [200, 'null'],
    [403, '{"error":"forbidden"}'],
  ])
  return { kind: 'answer', answer: { status, text } }
}
