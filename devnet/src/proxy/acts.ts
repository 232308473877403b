import type { RpcError } from '../misbehaviour.ts'
import { EVM_SITUATIONS, type EvmSituation } from '../personalities/evm-personality.ts'
import { SOLANA_SITUATIONS, type SolanaSituation } from '../personalities/solana-personality.ts'

/**
 * The effect on the next sent transaction, and the answer to its sender; the two are independent.
 *
 * Effects: `take` passes it to the chain; `drop` forgets it; `hold` keeps the bytes and passes them on after
 * `afterMs`, or on `release`; `private` passes it on, but neither its hash nor its nonce shows before it is mined.
 */
export type SendAct<Situation> = {
  readonly kind: 'nextSend'
  /** Default: `take`. */
  readonly effect?: 'take' | 'drop' | 'hold' | 'private'
  /** Default: the transaction's hash or signature. */
  readonly answer?: { readonly situation: Situation } | RpcError
  readonly afterMs?: number
  /** The number of transactions it applies to; default 1. `always`: until `heal`. */
  readonly times?: number | 'always'
}

/** Acts on how a node speaks HTTP. */
export type TransportAct =
  /** Throttles the next requests in one of the personality's ways; default: the first. */
  | { readonly kind: 'throttle'; readonly way?: number; readonly times?: number | 'always' }
  /** Batches are answered from the last call to the first, or ids come back as texts. */
  | { readonly kind: 'answers'; readonly are: 'reversed' | 'withTextIds' }

/** Acts that every node knows. */
type CommonAct =
  | TransportAct
  /** Passes on the held transactions. */
  | { readonly kind: 'release' }
  /** The node lacks these methods. */
  | { readonly kind: 'lacks'; readonly methods: readonly string[] }
  /** Ends all acts. What is held stays held. */
  | { readonly kind: 'heal' }

export type EvmAct =
  | SendAct<EvmSituation>
  | CommonAct
  /** Blocks `from` to `to` (default: the newest) lose their receipts, their transaction index, or their bodies. */
  | {
      readonly kind: 'forget'
      readonly what: 'receipts' | 'transactions' | 'bodies'
      readonly from: number
      readonly to?: number
    }
  /** Receipts come `blocks` blocks late. */
  | { readonly kind: 'lateReceipts'; readonly blocks: number }
  | { readonly kind: 'receiptsWithoutPrice' }
  /** Receipts of the blocks from `from` on stay as they are now, whatever becomes of the chain. */
  | { readonly kind: 'staleReceipts'; readonly from: number }
  /** The node's head is `blocks` behind. */
  | { readonly kind: 'behind'; readonly blocks: number }
  /** The pending count of an account is too high by `add`, or equal to the one at latest. */
  | { readonly kind: 'pendingCount'; readonly address: string; readonly is: number | 'latest' }
  /** The node refuses the tag `pending`, or blocks named by an object (EIP-1898). */
  | { readonly kind: 'refuses'; readonly what: 'pendingTag' | 'blockObjects' }
  /** `finalized` and `safe`: the block of now for ever, null, an error, block 0, or always the newest. */
  | { readonly kind: 'finality'; readonly is: 'stuck' | 'null' | 'missing' | 'zero' | 'latest' }

export type SolanaAct =
  | SendAct<SolanaSituation>
  | CommonAct
  /** Restarted from a snapshot: nothing below `firstAvailable` is known. */
  | { readonly kind: 'snapshot'; readonly firstAvailable: number }
  /** Slots `from` to `to` are missing in the ledger, though above the first available block. */
  | { readonly kind: 'hole'; readonly from: number; readonly to: number }
  /** The node's head is `slots` behind. */
  | { readonly kind: 'behind'; readonly slots: number }
  | { readonly kind: 'unhealthy' }
  /** These signatures answer null. */
  | { readonly kind: 'forget'; readonly signatures: readonly string[] }

/** Sets the order in which backends serve requests (or calls), repeated forever. */
export type BalancerAct = {
  readonly kind: 'route'
  readonly order: readonly number[]
  readonly each?: 'request' | 'call'
}

type Input = Readonly<Record<string, unknown>>

/** An act for an EVM node out of untrusted JSON; throws a TypeError that says what is wrong. */
export function parseEvmAct(input: Input): EvmAct {
  switch (input.kind) {
    case 'nextSend':
      return parseSend(input, EVM_SITUATIONS)
    case 'forget': {
      const what = oneOf(input.what, ['receipts', 'transactions', 'bodies'] as const, 'what')
      const range = { kind: 'forget', what, from: whole(input.from, 'from') } as const
      return input.to === undefined ? range : { ...range, to: whole(input.to, 'to') }
    }
    case 'lateReceipts':
    case 'behind':
      return { kind: input.kind, blocks: whole(input.blocks, 'blocks') }
    case 'receiptsWithoutPrice':
      return { kind: input.kind }
    case 'staleReceipts':
      return { kind: input.kind, from: whole(input.from, 'from') }
    case 'pendingCount': {
      if (typeof input.address !== 'string') throw new TypeError('address must be a text')
      return { kind: input.kind, address: input.address, is: input.is === 'latest' ? 'latest' : whole(input.is, 'is') }
    }
    case 'refuses':
      return { kind: input.kind, what: oneOf(input.what, ['pendingTag', 'blockObjects'] as const, 'what') }
    case 'finality':
      return { kind: input.kind, is: oneOf(input.is, ['stuck', 'null', 'missing', 'zero', 'latest'] as const, 'is') }
    default:
      return parseCommon(input)
  }
}

/** An act for a Solana node out of untrusted JSON; throws a TypeError that says what is wrong. */
export function parseSolanaAct(input: Input): SolanaAct {
  switch (input.kind) {
    case 'nextSend':
      return parseSend(input, SOLANA_SITUATIONS)
    case 'snapshot':
      return { kind: input.kind, firstAvailable: whole(input.firstAvailable, 'firstAvailable') }
    case 'hole':
      return { kind: input.kind, from: whole(input.from, 'from'), to: whole(input.to, 'to') }
    case 'behind':
      return { kind: input.kind, slots: whole(input.slots, 'slots') }
    case 'unhealthy':
      return { kind: input.kind }
    case 'forget':
      return { kind: input.kind, signatures: texts(input.signatures, 'signatures') }
    default:
      return parseCommon(input)
  }
}

export function parseBalancerAct(input: Input): BalancerAct {
  const { kind, order } = input
  if (kind !== 'route' || !Array.isArray(order) || order.length === 0) {
    throw new TypeError('the act must be {"kind":"route","order":[…]}')
  }
  const route = { kind: 'route', order: order.map((index) => whole(index, 'order')) } as const
  return input.each === undefined ? route : { ...route, each: oneOf(input.each, ['request', 'call'] as const, 'each') }
}

function parseCommon(input: Input): CommonAct {
  if (input.kind === 'answers') {
    return { kind: input.kind, are: oneOf(input.are, ['reversed', 'withTextIds'] as const, 'are') }
  }
  if (input.kind === 'lacks') return { kind: input.kind, methods: texts(input.methods, 'methods') }
  if (input.kind === 'release' || input.kind === 'heal') return { kind: input.kind }
  if (input.kind !== 'throttle') throw new TypeError(`there is no act of the kind ${JSON.stringify(input.kind)}`)
  return {
    kind: 'throttle',
    ...(input.way === undefined ? {} : { way: whole(input.way, 'way') }),
    ...(input.times === undefined ? {} : { times: timesOf(input.times) }),
  }
}

function parseSend<Situation extends string>(input: Input, situations: readonly Situation[]): SendAct<Situation> {
  const { effect, answer, afterMs, times } = input
  return {
    kind: 'nextSend',
    ...(effect === undefined ? {} : { effect: oneOf(effect, ['take', 'drop', 'hold', 'private'] as const, 'effect') }),
    ...(answer === undefined ? {} : { answer: parseAnswer(answer, situations) }),
    ...(afterMs === undefined ? {} : { afterMs: whole(afterMs, 'afterMs') }),
    ...(times === undefined ? {} : { times: timesOf(times) }),
  }
}

function parseAnswer<Situation extends string>(answer: unknown, situations: readonly Situation[]) {
  const { situation, code, message, data } = (answer ?? {}) as Input
  if (situation !== undefined) return { situation: oneOf(situation, situations, 'answer.situation') }
  if (!Number.isSafeInteger(code) || typeof message !== 'string') {
    throw new TypeError('answer needs a "situation", or a whole number "code" and a text "message"')
  }
  return { code: code as number, message, ...(data === undefined ? {} : { data }) }
}

function timesOf(value: unknown): number | 'always' {
  return value === 'always' ? value : whole(value, 'times')
}

function texts(value: unknown, name: string): string[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw new TypeError(`${name} must be a list of texts`)
  }
  return value
}

function whole(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError(`${name} must be a whole number`)
  return value as number
}

function oneOf<Value extends string>(value: unknown, allowed: readonly Value[], name: string): Value {
  const match = allowed.find((candidate) => candidate === value)
  if (match === undefined) throw new TypeError(`${name} must be one of ${allowed.join(', ')}`)
  return match
}
