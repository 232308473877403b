/** Stand-ins for what the driver of the simulation provides, for the tests of the cluster alone. */

import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { base58 } from '@scure/base'
import {
  buildMessage,
  type Lifetime,
  transferInstruction,
  withSignature,
} from '../../wallet/daemon/src/chains/solana/message.ts'
import type { Exchange, ExchangeAnswer, Random, Timers } from './solana-ports.ts'

/** A generator of chance from a text, small and good enough for tests (mulberry32). */
export function seededRandom(seed: string): Random {
  let state = 0x811c9dc5
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (maxExclusive: number) => Math.floor(next() * maxExclusive)
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(items.length)]!,
    fork: (label) => seededRandom(`${seed}/${label}`),
  }
}

export type TestTimers = Timers & {
  /** Runs what is due in the next milliseconds, one after the other, with the promises between. */
  pass: (millis: number) => Promise<void>
  /** Lets time pass until something has come about; a second at a time where nothing is due. */
  until: (isDone: () => boolean) => Promise<void>
}

export function testTimers(): TestTimers {
  const queue: { at: number; work: () => void }[] = []
  let now = 0
  const after = (millis: number, work: () => void) => {
    const entry = { at: now + millis, work }
    const place = queue.findIndex(({ at }) => at > entry.at)
    queue.splice(place < 0 ? queue.length : place, 0, entry)
    return () => {
      const index = queue.indexOf(entry)
      if (index >= 0) queue.splice(index, 1)
    }
  }
  const settle = async () => {
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
  const runNext = (end: number): boolean => {
    const next = queue[0]
    if (next === undefined || next.at > end) return false
    queue.shift()
    now = next.at
    next.work()
    return true
  }
  return {
    monotonic: () => now,
    after,
    soon: (work) => void after(0, work),
    pass: async (millis) => {
      const end = now + millis
      do await settle()
      while (runNext(end))
      now = end
    },
    until: async (isDone) => {
      for (await settle(); !isDone(); await settle()) if (!runNext(now + 1_000)) now += 1_000
    },
  }
}

export type TestKey = { address: string; sign: (message: Uint8Array) => Uint8Array }

/** The key of a seed, so that the same test has the same signatures in every run. */
export function testKey(seed: number): TestKey {
  const secret = Buffer.alloc(32, seed)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { address: base58.encode(spki.subarray(-32)), sign: (message) => sign(null, message, key) }
}

/** What stands before the 32 secret bytes of an Ed25519 key in DER (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What came of one question: the result or error of the node, or that there was no answer. */
export type Said =
  | { result?: unknown; error?: { code: number; message: string; data?: unknown } }
  | 'no answer'
  | 'not sent'

/** Asks a node, and lets time pass until there is an answer. */
export function testClient(exchange: Exchange, timers: TestTimers, url: string) {
  const post = async (body: string): Promise<ExchangeAnswer | 'no answer' | 'not sent'> => {
    let answer: ExchangeAnswer | 'no answer' | 'not sent' | undefined
    exchange({ url, body: () => body }).then(
      (value) => {
        answer = value
      },
      () => {
        answer = 'no answer'
      },
    )
    await timers.until(() => answer !== undefined)
    return answer!
  }
  const ask = async (method: string, ...params: unknown[]): Promise<Said> => {
    const answer = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    if (typeof answer === 'string') return answer
    try {
      return (JSON.parse(answer.text) ?? {}) as Said
    } catch {
      return { error: { code: answer.status, message: answer.text } }
    }
  }
  return {
    post,
    ask,
    /** The result; fails the test where there is none. */
    result: async <Result>(method: string, ...params: unknown[]): Promise<Result> => {
      const said = await ask(method, ...params)
      if (typeof said === 'string' || said.error !== undefined) throw new Error(`${method}: ${JSON.stringify(said)}`)
      return said.result as Result
    },
    code: async (method: string, ...params: unknown[]): Promise<number | undefined> => {
      const said = await ask(method, ...params)
      return typeof said === 'string' ? undefined : said.error?.code
    },
  }
}

export type TestClient = ReturnType<typeof testClient>

/** A payment as the wallet builds it. `unitPrice` tells equal payments apart. */
export function payment(from: TestKey, to: string, lamports: bigint, blockhash: string, unitPrice = 0n): Uint8Array {
  const lifetime = { blockhash, lastValidBlockHeight: 0n } as Lifetime
  const transfer = transferInstruction(from.address, to, lamports)
  const message = buildMessage(from.address, [transfer], { units: 1_000, unitPrice }, lifetime)
  return withSignature(message, from.sign(message))
}

export function signatureOf(transaction: Uint8Array): string {
  return base58.encode(transaction.subarray(1, 65))
}

export const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
