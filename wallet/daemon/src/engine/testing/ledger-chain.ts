import { createHash } from 'node:crypto'
import { type NetworkName, networkOf, parseAddress, parseUnits, type TransactionRequest } from '@waiaas/core'
import type {
  Account,
  Broadcast,
  ChainAdapter,
  Draft,
  DraftResult,
  Outcome,
  Place,
  Replacement,
  ReplacementWanted,
  SentAttempt,
} from '../../chains/chain-adapter.ts'
import { foreseePayment } from '../../chains/payment.ts'

/** A chain's books: what every node agrees on. Survives the daemon that writes to it. */
export type LedgerBooks = {
  height: bigint
  /** Transactions in order of inclusion. */
  blocks: {
    hash: string
    from: string
    to: string
    amount: bigint
    fee: bigint
    sequence: bigint | null
    height: bigint
  }[]
  /** Bytes that a node holds and no block has. */
  pool: Map<string, string>
  balances: Map<string, bigint>
}

/** What goes wrong at the next hand-over. */
export type Misfortune = 'none' | 'lose answer' | 'lose request' | 'refuse' | 'take and refuse'

export type LedgerChain = ChainAdapter & {
  books: LedgerBooks
  /** Asked at every hand-over. */
  misfortune: () => Misfortune
  setMisfortune: (next: () => Misfortune) => void
  /** Puts everything that can go into a block. */
  mine: () => void
  /** Takes the last `count` transactions out of their blocks, back into the pool or nowhere. */
  reorganize: (count: number, keepInPool: boolean) => void
  setDown: (down: boolean) => void
  setMining: (automatic: boolean) => void
  /** The account seems to have nothing, once it is to be signed for. */
  setBroke: (broke: boolean) => void
  /** What every transaction costs from now on. */
  setFee: (fee: bigint) => void
}

const LIFETIME = 100n

export function emptyBooks(): LedgerBooks {
  return { height: 1n, blocks: [], pool: new Map(), balances: new Map() }
}

/**
 * A chain kept in memory, with the rules that matter to an engine: balances, sequence numbers or a lifetime,
 * a pool that waits for missing numbers, and everything a network can do to a message.
 */
export function createLedgerChain(network: NetworkName, books: LedgerBooks): LedgerChain {
  const sequenced = networkOf(network).chainId !== undefined
  const blockCallbacks = new Set<() => void>()
  let misfortune: () => Misfortune = () => 'none'
  let down = false
  let broke = false
  let automatic = true
  let fee = 21_000n

  const nextOf = (address: string) => BigInt(books.blocks.filter(({ from }) => from === address).length)
  const include = (hash: string, text: string): boolean => {
    const { from, to, amount, sequence, validUntil, bid } = readRaw(text)
    if (books.blocks.some((block) => block.hash === hash)) return false
    if (sequence !== null && sequence !== nextOf(from)) return false
    if (validUntil !== null && books.height > validUntil) return false
    const balance = books.balances.get(from) ?? 0n
    if (bid < fee || balance < amount + bid) return false
    books.balances.set(from, balance - amount - bid)
    books.balances.set(to, (books.balances.get(to) ?? 0n) + amount)
    books.blocks.push({ hash, from, to, amount, fee: bid, sequence, height: books.height })
    return true
  }
  const mine = () => {
    books.height += 1n
    for (let moved = true; moved; ) {
      moved = false
      for (const [hash, text] of books.pool) {
        if (!include(hash, text)) continue
        books.pool.delete(hash)
        moved = true
      }
    }
    for (const callback of blockCallbacks) callback()
  }

  return {
    network: networkOf(network),
    books,
    misfortune: () => misfortune(),
    setMisfortune: (next) => {
      misfortune = next
    },
    setDown: (value) => {
      down = value
    },
    setBroke: (value) => {
      broke = value
    },
    setMining: (value) => {
      automatic = value
    },
    setFee: (value) => {
      fee = value
    },
    mine,
    reorganize: (count, keepInPool) => {
      for (const block of books.blocks.splice(Math.max(0, books.blocks.length - count))) {
        books.balances.set(block.from, books.balances.get(block.from)! + block.amount + block.fee)
        books.balances.set(block.to, books.balances.get(block.to)! - block.amount)
        const { from, to, amount, sequence } = block
        const [digits, bid] = [amount.toString(), block.fee.toString()]
        const text = JSON.stringify({ from, to, amount: digits, sequence: sequence?.toString() ?? null, bid })
        if (keepInPool) books.pool.set(block.hash, text)
      }
    },
    connect: async () => (down ? { ok: false, message: 'down' } : { ok: true }),
    balance: async (address) =>
      down ? { ok: false, message: 'down' } : { ok: true, amount: books.balances.get(address) ?? 0n },
    foresee: (request, from) => foreseePayment(request, from, networkOf(network), 2n ** 256n - 1n),
    draft: async (request, from) =>
      down
        ? { ok: false, code: 'CHAIN_ERROR', message: 'The node is down.' }
        : draft(network, books, request, from, fee),
    token: async () => ({ ok: false, code: 'TOKEN_NOT_FOUND', message: 'This chain has coins only.' }),
    holdings: async () => (down ? { ok: false, message: 'down' } : { ok: true, holdings: [] }),
    draftOutside: async () => ({ ok: false, code: 'UNSUPPORTED_TX_TYPE', message: 'Not on this chain.' }),
    ...(sequenced
      ? {
          sequence: async (address: string) => {
            if (down) return { ok: false as const, message: 'down' }
            return { ok: true as const, count: nextOf(address), pending: nextOf(address), most: 64 }
          },
          funds: async (address: string) => {
            if (down) return { ok: false as const, message: 'down' }
            return {
              ok: true as const,
              balance: broke ? 0n : (books.balances.get(address) ?? 0n),
              count: nextOf(address),
            }
          },
          filler: async ({ address }: Account) => {
            const asset = networkOf(network).native
            const draft = {
              effects: [],
              maxFee: fee * 2n,
              plainFee: fee * 2n,
              amount: 0n,
              asset,
              to: address,
              plan: null,
            }
            return { ok: true as const, draft }
          },
          replacement: async (wanted: ReplacementWanted): Promise<Replacement> => {
            if (down) return { kind: 'unknown', message: 'down' }
            const newest = wanted.versions.at(-1)!
            if (nextOf(newest.from) > newest.sequence!) return { kind: 'not needed' }
            return replace(wanted, fee)
          },
        }
      : {}),
    signable: async (toSign, from, sequence) => {
      if (down) return { ok: false, code: 'CHAIN_ERROR', message: 'The node is down.' }
      if (fee > toSign.maxFee)
        return { ok: false, code: 'CHAIN_ERROR', message: 'The fee is above the ceiling.', tooDear: true }
      const validUntil = sequenced ? null : books.height + LIFETIME
      const text = JSON.stringify({
        from: from.address,
        to: toSign.to,
        amount: toSign.amount.toString(),
        sequence: sequence?.toString() ?? null,
        validUntil: validUntil?.toString() ?? null,
        bid: fee.toString(),
        salt: sequenced ? undefined : Math.random(),
      })
      const raw = Buffer.from(text)
      return {
        ok: true,
        signable: {
          bytes: raw,
          finish: () => ({
            raw,
            hash: hashOf(text),
            sequence,
            validUntil,
            origin: books.height,
            cost: sequenced ? toSign.amount + fee : null,
          }),
        },
      }
    },
    broadcast: async (signed, { mayLeave }): Promise<Broadcast> => {
      const luck = misfortune()
      if (down || !mayLeave() || luck === 'lose request') {
        return { kind: 'not accepted', message: 'no answer', unheard: true }
      }
      if (luck === 'refuse') return { kind: 'not accepted', message: 'not now' }
      const answer = take(books, sequenced, nextOf(signed.from), signed)
      if (answer.kind === 'accepted' && automatic) mine()
      if (luck === 'take and refuse') return { kind: 'not accepted', message: 'refused, it says' }
      return luck === 'lose answer' ? { kind: 'not accepted', message: 'no answer', unheard: true } : answer
    },
    outcomes: async (places) => {
      if (down) return { ok: false, message: 'down' }
      return { ok: true, outcomes: places.map((place) => outcomeOf(books, place)) }
    },
    traces: async (hashes) => {
      if (down) return { ok: false, message: 'down' }
      const found = books.blocks.filter(({ hash }) => hashes.includes(hash))
      return {
        ok: true,
        found: found.map(({ hash, height }) => ({
          hash,
          node: 'ledger',
          block: { number: height, hash: `${height}` },
        })),
      }
    },
    startsAnew: false,
    onBlock: (callback) => {
      blockCallbacks.add(callback)
      return () => blockCallbacks.delete(callback)
    },
    close: async () => blockCallbacks.clear(),
  }
}

function draft(
  network: NetworkName,
  books: LedgerBooks,
  request: TransactionRequest,
  from: Account,
  fee: bigint,
): DraftResult {
  const { family, native } = networkOf(network)
  if (request.type !== 'TRANSFER')
    return { ok: false, code: 'VALIDATION_FAILED', message: 'This chain has coins only.' }
  const to = parseAddress(family, request.to)
  if (!to.ok) return { ok: false, code: 'INVALID_ADDRESS', message: `${request.to}: ${to.fault}` }
  const amount =
    request.amount === undefined ? parseUnits(request.humanAmount ?? '', native.decimals) : BigInt(request.amount)
  if (amount === undefined) return { ok: false, code: 'SIMULATION_FAILED', message: 'too many decimals' }
  if ((books.balances.get(from.address) ?? 0n) < amount + fee) {
    return { ok: false, code: 'INSUFFICIENT_BALANCE', message: 'The balance does not cover amount and fee.' }
  }
  const made: Draft = {
    effects: [{ kind: 'spend', asset: { network, ...native }, amount, to: to.address }],
    maxFee: fee * 2n,
    plainFee: fee * 2n,
    amount,
    asset: native,
    to: to.address,
    plan: null,
  }
  return { ok: true, draft: made }
}

function replace({ versions, by, maxFee, wants }: ReplacementWanted, fee: bigint): Replacement {
  const made = versions.map(({ raw }) => readRaw(Buffer.from(raw).toString()))
  const old = made.at(-1)!
  const isThere = by === 'itself' || (old.to === old.from && old.amount === 0n)
  if (isThere && old.bid >= fee && !wants?.more) return { kind: 'not needed' }
  const highest = made.reduce((most, { bid }) => (bid > most ? bid : most), 0n)
  const raised = (highest * 9n) / 8n + 1n
  const bid = raised > fee ? raised : fee
  if (bid > maxFee) return { kind: 'too dear', of: 'fee', lacks: bid - maxFee, message: `The fee is ${fee} now.` }
  const [to, amount] = by === 'itself' ? [old.to, old.amount] : [old.from, 0n]
  const sequence = old.sequence?.toString()
  const text = JSON.stringify({ from: old.from, to, amount: amount.toString(), sequence, bid: bid.toString() })
  const raw = Buffer.from(text)
  const signed = {
    raw,
    hash: hashOf(text),
    sequence: old.sequence,
    validUntil: null,
    origin: versions[0]!.origin,
    cost: amount + bid,
  }
  return { kind: 'signable', signable: { bytes: raw, finish: () => signed } }
}

function take(books: LedgerBooks, sequenced: boolean, next: bigint, signed: SentAttempt): Broadcast {
  const text = Buffer.from(signed.raw).toString()
  const refused = (message: string): Broadcast => ({ kind: 'not accepted', message })
  const known = books.pool.has(signed.hash) || books.blocks.some(({ hash }) => hash === signed.hash)
  if (known) return { kind: 'accepted' }
  if (sequenced && signed.sequence! < next) return refused('number too low')
  if (signed.validUntil !== null && books.height > signed.validUntil) return refused('lifetime is over')
  const { from, sequence, bid } = readRaw(text)
  for (const [hash, other] of books.pool) {
    const rival = readRaw(other)
    if (sequence === null || rival.from !== from || rival.sequence !== sequence) continue
    if (bid * 10n < rival.bid * 11n) return refused('underpriced')
    books.pool.delete(hash)
  }
  books.pool.set(signed.hash, text)
  return { kind: 'accepted' }
}

const FINAL_DEPTH = 5n

function outcomeOf(books: LedgerBooks, { versions }: Place): Outcome {
  const isFinal = (height: bigint) => books.height - height >= FINAL_DEPTH
  const refOf = (height: bigint) => ({ number: height, hash: `${height}` })
  const found = books.blocks.find(({ hash }) => versions.some((version) => version.hash === hash))
  if (found !== undefined) {
    const result = { succeeded: true, fee: found.fee, message: '' }
    return { kind: 'included', hash: found.hash, block: refOf(found.height), final: isFinal(found.height), result }
  }
  const [first] = versions
  const { from, sequence, validUntil } = first!
  const rival = books.blocks.find((block) => block.from === from && block.sequence === sequence)
  if (sequence !== null && rival !== undefined) {
    const proof = { kind: 'count' as const, block: refOf(rival.height), node: 'ledger' }
    return { kind: 'dead', proof, final: isFinal(rival.height), message: 'number used by another' }
  }
  if (validUntil !== null && books.height > validUntil) {
    const proof = { kind: 'lists' as const, block: refOf(books.height), node: 'ledger' }
    return { kind: 'dead', proof, final: true, message: 'lifetime is over' }
  }
  return { kind: 'waiting' }
}

function readRaw(text: string) {
  const raw = JSON.parse(text) as { [name: string]: string | null }
  return {
    from: raw.from!,
    to: raw.to!,
    amount: BigInt(raw.amount!),
    bid: BigInt(raw.bid!),
    sequence: raw.sequence == null ? null : BigInt(raw.sequence),
    validUntil: raw.validUntil == null ? null : BigInt(raw.validUntil),
  }
}

function hashOf(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`
}

/** The books as text, and back: what a node keeps on its disk. */
export function booksToText(books: LedgerBooks): string {
  const bigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? { bigint: value.toString() } : value)
  return JSON.stringify({ ...books, pool: [...books.pool], balances: [...books.balances] }, bigints)
}

export function booksFromText(text: string): LedgerBooks {
  const bigints = (_key: string, value: unknown) => {
    const held = typeof value === 'object' && value !== null && 'bigint' in value ? value.bigint : undefined
    return held === undefined ? value : BigInt(held as string)
  }
  const { height, blocks, pool, balances } = JSON.parse(text, bigints) as {
    height: bigint
    blocks: LedgerBooks['blocks']
    pool: [string, string][]
    balances: [string, bigint][]
  }
  return { height, blocks, pool: new Map(pool), balances: new Map(balances) }
}
