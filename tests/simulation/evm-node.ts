import { noteHandover, takeBroadcast } from './evm-broadcast.ts'
import { THROTTLE_WORDS } from './evm-clients.ts'
import type { EvmFaultKind } from './evm-faults.ts'
import { answer, type RpcAnswer } from './evm-methods.ts'
import type { Hex } from './evm-transaction.ts'
import type { Backend, EvmWorld } from './evm-world.ts'
import type { Random } from './random.ts'

export type ExchangeRequest = {
  readonly url: string
  /** Asked for in the turn in which the bytes leave; undefined where they must not leave any more. */
  readonly body: () => string | undefined
  readonly signal?: AbortSignal
}

export type ExchangeAnswer = { status: number; text: string; retryAfterSeconds?: number } | 'not sent'

/** One HTTP request. Rejects where no answer arrives. */
export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer>

/** What stands at one address. */
export type EvmAddress = {
  readonly url: string
  readonly backends: readonly Backend[]
  /** Whether a gateway sends the parts of a batch to different backends. */
  readonly splitsBatches: boolean
}

/** No answer comes after this long, whatever the client waits for. */
const HANG_MILLIS = 120_000
const SLOW_MILLIS = { from: 2_000, to: 9_500 }
const SUBMIT = 'eth_sendRawTransaction'

/** All addresses of the network behind one door. Times are the simulated clock's. */
export function createExchange(world: EvmWorld, addresses: readonly EvmAddress[]): Exchange {
  const byUrl = new Map(addresses.map((address) => [address.url, address]))
  const random = world.random.fork('exchange')
  return async ({ url, body, signal }) => {
    const address = byUrl.get(url)
    if (address === undefined) throw new Error(`nothing listens at ${url}`)
    const wait = (millis: number) => waiting(world, millis, signal)
    await wait(random.between(1, 5))
    const text = body()
    if (text === undefined) return 'not sent'
    const calls = readCalls(text)
    const hasBroadcast = noteAll(world, url, calls)
    return await carry({ world, address, calls, isSubmit: hasBroadcast, random, wait, signal })
  }
}

type Call = { id: unknown; method: string; params: readonly unknown[] }
type Calls = { isBatch: boolean; list: readonly Call[] }

function readCalls(text: string): Calls | undefined {
  try {
    const body = JSON.parse(text) as unknown
    return { isBatch: Array.isArray(body), list: (Array.isArray(body) ? body : [body]) as Call[] }
  } catch {
    return undefined
  }
}

function noteAll(world: EvmWorld, url: string, calls: Calls | undefined): boolean {
  const broadcasts = calls?.list.filter(({ method }) => method === SUBMIT) ?? []
  for (const { params } of broadcasts) noteHandover(world, url, params[0] as Hex)
  return broadcasts.length > 0
}

type Carriage = {
  readonly world: EvmWorld
  readonly address: EvmAddress
  readonly calls: Calls | undefined
  readonly isSubmit: boolean
  readonly random: Random
  readonly wait: (millis: number) => Promise<void>
  readonly signal: AbortSignal | undefined
}

/** The way of a request that has left. What happens at the node happens also where the client stops to wait. */
async function carry(carriage: Carriage): Promise<ExchangeAnswer> {
  const { world, address, calls, isSubmit, random, wait } = carriage
  const strike = (kind: EvmFaultKind) => {
    if (!world.faults.draw(kind)) return false
    world.faults.report({ kind, method: calls?.list[0]?.method ?? '', url: address.url })
    return true
  }
  const there = random.between(2, 60)
  if (strike(isSubmit ? 'submitLost' : 'requestLost')) {
    await wait(there)
    throw new Error('the connection broke')
  }
  const isThrottled = strike(isSubmit ? 'submitThrottled' : 'throttledByStatus')
  // A proxy that throttles may have passed the request on.
  const arrives = !isThrottled || (isSubmit && world.faults.random('submitThrottled').chance(0.5))
  let answers: ExchangeAnswer | undefined
  world.clock.after(there, () => {
    if (arrives) answers = serve(world, address, calls, random)
  })
  await wait(there)
  if (strike('hangs')) {
    await wait(HANG_MILLIS)
    throw new Error('no answer in time')
  }
  if (strike('slow')) await wait(world.faults.random('slow').between(SLOW_MILLIS.from, SLOW_MILLIS.to))
  await wait(random.between(2, 60))
  if (strike(isSubmit ? 'submitAnswerLost' : 'answerLost')) throw new Error('the answer broke off')
  if (isThrottled && isSubmit && world.faults.random('submitThrottled').chance(0.3)) return throttledBody(world, calls)
  if (isThrottled) return throttledAnswer(world, isSubmit ? 'submitThrottled' : 'throttledByStatus')
  if (strike(isSubmit ? 'submitGarbage' : 'garbage')) return garbage(world, isSubmit ? 'submitGarbage' : 'garbage')
  if (!isSubmit && strike('throttledInBody')) return throttledBody(world, calls)
  return answers!
}

/** Rejects with the signal's reason where the client stops to wait. */
function waiting(world: EvmWorld, millis: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel()
      reject(signal!.reason)
    }
    const cancel = world.clock.after(millis, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

function serve(world: EvmWorld, address: EvmAddress, calls: Calls | undefined, random: Random): ExchangeAnswer {
  const { faults } = world
  if (calls === undefined) {
    return json({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'parse error' } })
  }
  if (calls.isBatch && faults.holds('batchRefused', address.url)) {
    faults.report({ kind: 'batchRefused', url: address.url })
    return refusedBatch(faults.random('batchRefused'))
  }
  const first = random.pick(address.backends)
  const answers = calls.list.map((call) => {
    const backend = address.splitsBatches ? random.pick(address.backends) : first
    return { jsonrpc: '2.0', id: call.id, ...answerOne(world, backend, call) }
  })
  if (!calls.isBatch) return json(answers[0])
  if (answers.length > 1 && faults.draw('batchPartial')) {
    faults.report({ kind: 'batchPartial', url: address.url })
    answers.splice(faults.random('batchPartial').below(answers.length), 1)
  }
  return json(answers)
}

function answerOne(world: EvmWorld, backend: Backend, { method, params }: Call): RpcAnswer {
  if (method === SUBMIT) return takeBroadcast(world, backend, params[0] as Hex)
  return answer(world, backend, method, params ?? [])
}

function json(body: unknown): ExchangeAnswer {
  return { status: 200, text: JSON.stringify(body) }
}

/** surfpool#717, ethers-io/ethers.js#4123: a status, or one object in place of a list. */
function refusedBatch(random: Random): ExchangeAnswer {
  const status = random.pick([200, 403, 405])
  const error = { code: -32600, message: 'batch requests are not supported' }
  return { status, text: status === 200 ? JSON.stringify({ jsonrpc: '2.0', id: null, error }) : 'Method not allowed' }
}

function throttledAnswer(world: EvmWorld, kind: EvmFaultKind): ExchangeAnswer {
  const random = world.faults.random(kind)
  const status = random.pick([429, 503])
  return {
    status,
    text: 'too many requests',
    ...(random.chance(0.5) ? { retryAfterSeconds: random.between(1, 30) } : {}),
  }
}

function throttledBody(world: EvmWorld, calls: Calls | undefined): ExchangeAnswer {
  const error = world.faults.random('throttledInBody').pick(THROTTLE_WORDS)
  const each = (id: unknown) => ({ jsonrpc: '2.0', id, error })
  if (calls?.isBatch !== true) return json(each(calls?.list[0]?.id ?? null))
  return json(calls.list.map(({ id }) => each(id)))
}

function garbage(world: EvmWorld, kind: EvmFaultKind): ExchangeAnswer {
  const text = world.faults
    .random(kind)
    .pick([
      '',
      '<html><body>Bad gateway</body></html>',
      '{"jsonrpc":"2.0","id":0,"resu',
      '[]',
      'null',
      '{"jsonrpc":"2.0"}',
    ])
  return { status: world.faults.random(kind).pick([200, 502]), text }
}
