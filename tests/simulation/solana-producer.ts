/** Makes the blocks of a simulated cluster, and puts the bytes that it holds into those that suit an adversary. */

import type { FaultDice } from './solana-faults.ts'
import {
  accountAt,
  type Fork,
  forkBlock,
  heightOf,
  inclusionOf,
  type Ledger,
  type SolanaBlock,
  trunkBlock,
  writeAccount,
} from './solana-ledger.ts'
import type { Random } from './solana-ports.ts'
import { durableNonceOf, execute, nonceOf, readNonce, type TransactionFault } from './solana-runtime.ts'
import { hasValidSignatures, type WireTransaction } from './solana-wire.ts'

/** `MAX_PROCESSING_AGE`: how far `lastValidBlockHeight` is above the height of a blockhash. */
export const LIFETIME_BLOCKS = 150
/**
 * The last block that may have a transaction, above the height of its blockhash. One more than
 * `lastValidBlockHeight` says: ages 0 to 150 are valid and the parent's hash has age 0 (agave `BlockhashQueue`).
 */
export const LAST_CHANCE_BLOCKS = LIFETIME_BLOCKS + 1

/** A byte string that left somebody's hands. */
export type Out = {
  bytes: Uint8Array
  /** `undefined` where the bytes are no transaction. */
  transaction: WireTransaction | undefined
  /** Every time it was handed over, and to whom. */
  times: { at: number; url: string }[]
  due: Due | undefined
}

/** When a transaction is put into a block: from a slot on, or in the last block that may have it. */
export type Due = { slot: number } | 'last'

export type Effect = 'nowhere' | 'forwarded' | 'held' | 'last'

type Gap = { from: number; to: number; fork: Fork | undefined }

export type Producer = {
  ledger: Ledger
  dice: FaultDice
  gapRandom: Random
  dueRandom: Random
  /** What is to be put into a block. */
  pending: Set<Out>
  verified: Map<string, boolean>
  /** The last slot that has passed. */
  cursor: number
  gap: Gap
}

export function createProducer(ledger: Ledger, dice: FaultDice, random: Random): Producer {
  const gapRandom = random.fork('gaps')
  const cursor = ledger.trunk.head().slot
  const gap = drawGap(gapRandom, dice, cursor)
  const dueRandom = random.fork('due')
  return { ledger, dice, gapRandom, dueRandom, pending: new Set(), verified: new Map(), cursor, gap }
}

/** Makes all blocks up to a slot. */
export function produceTo(producer: Producer, target: number): void {
  const { ledger, dice } = producer
  if (dice.isHealed() && producer.gap.fork === undefined) {
    producer.gap.to = Math.min(producer.gap.to, Math.max(producer.gap.from, producer.cursor) + 3)
  }
  while (producer.cursor < target) {
    const { gap, cursor } = producer
    if (cursor + 1 < gap.from) {
      const to = Math.min(target, gap.from - 1)
      produceRun(producer, cursor + 1, to)
      producer.cursor = to
      continue
    }
    if (cursor + 1 === gap.from && gap.fork !== undefined) ledger.forks.push(gap.fork)
    const to = Math.max(cursor, Math.min(target, gap.to))
    if (gap.fork !== undefined) for (let slot = cursor + 1; slot <= to; slot++) produceFork(producer, gap.fork, slot)
    producer.cursor = to
    if (to >= gap.to) producer.gap = drawGap(producer.gapRandom, dice, to)
  }
}

/** Decides what becomes of bytes that are out. Of two decisions the one that comes sooner counts. */
export function submit({ pending, dueRandom, dice, cursor }: Producer, out: Out, effect: Effect): void {
  const due = dueOf(effect, dueRandom, dice, cursor)
  if (due === undefined || out.transaction === undefined) return
  const isSooner = out.due === undefined || out.due === 'last' || (due !== 'last' && due.slot < out.due.slot)
  if (isSooner) out.due = due
  pending.add(out)
}

export function isVerified({ verified }: Producer, transaction: WireTransaction): boolean {
  const key = Buffer.concat([...transaction.signatures, transaction.message]).toString('latin1')
  const isValid = verified.get(key) ?? hasValidSignatures(transaction)
  verified.set(key, isValid)
  return isValid
}

/** Why a transaction may not be in the block after one; `undefined` where it may. */
export function refusalOf(
  ledger: Ledger,
  transaction: WireTransaction,
  parent: SolanaBlock,
): TransactionFault | undefined {
  if (inclusionOf(ledger, transaction.signature, parent) !== undefined) return 'AlreadyProcessed'
  if (transaction.usesLookupTables) return 'AddressLookupTableNotFound'
  const height = heightOf(ledger, transaction.blockhash, parent)
  if (height !== undefined && parent.height + 1 <= height + LAST_CHANCE_BLOCKS) return undefined
  const nonce = nonceOf(transaction)
  const held = nonce === undefined ? undefined : accountAt(ledger, nonce, parent)
  const isCurrent = held !== undefined && readNonce(held)?.value === transaction.blockhash
  return isCurrent && durableNonceOf(parent.blockhash) !== transaction.blockhash ? undefined : 'BlockhashNotFound'
}

/** Makes a block in each slot of `from..to`; what is due comes into the first block that may have it. */
function produceRun(producer: Producer, from: number, to: number): void {
  const { ledger, pending } = producer
  for (let start = from; start <= to; ) {
    const due: { out: Out; slot: number }[] = []
    for (const out of pending) {
      const slot = dueIn(ledger, out, start, to)
      if (slot === 'never') pending.delete(out)
      else if (slot !== undefined) due.push({ out, slot })
    }
    const end = due.reduce((least, { slot }) => Math.min(least, slot), to)
    ledger.trunk.append(start, end)
    for (const { out, slot } of due) {
      if (slot !== end) continue
      pending.delete(out)
      out.due = undefined
      include(producer, out, trunkBlock(ledger, end))
    }
    start = end + 1
  }
}

/** The slot of a run without gaps in which a transaction is due; `undefined` for later, `never` for too late. */
function dueIn({ trunk, hashes }: Ledger, out: Out, from: number, to: number): number | 'never' | undefined {
  const { due, transaction } = out
  if (due === undefined || transaction === undefined) return 'never'
  const height = hashes.get(transaction.blockhash)?.height
  const last = height === undefined ? undefined : from + height + LAST_CHANCE_BLOCKS - (trunk.head().height + 1)
  if (last !== undefined && last < from) return 'never'
  const slot = due === 'last' ? (last ?? from) : Math.max(due.slot, from)
  return slot <= to ? slot : undefined
}

/** Makes a block of a minority fork, with what would be due. It may come again after the fork, or not. */
function produceFork(producer: Producer, fork: Fork, slot: number): void {
  const { ledger, dice, pending, dueRandom } = producer
  const block = forkBlock(ledger, fork, slot)
  dice.count('minorityFork')
  for (const out of pending) {
    if (out.due === undefined || out.due === 'last' || out.due.slot > slot) continue
    if (!include(producer, out, block)) continue
    if (!dice.strikes('forkLoss', dueRandom)) out.due = { slot: fork.to + 1 + dueRandom.int(4) }
    else if (dueRandom.chance(0.5)) out.due = 'last'
    else pending.delete(out)
  }
}

/** Puts a transaction into the newest block of a line; returns whether it went in. */
function include(producer: Producer, { transaction }: Out, into: SolanaBlock): boolean {
  const { ledger } = producer
  if (transaction === undefined || transaction.hasTrailingBytes || !isVerified(producer, transaction)) return false
  const parent = into.fork?.parent ?? trunkBlock(ledger, into.parentSlot)
  if (inclusionOf(ledger, transaction.signature, into) !== undefined) return false
  if (refusalOf(ledger, transaction, parent) !== undefined) return false
  const get = (address: string) => accountAt(ledger, address, into)
  const lamports = () => transaction.accounts.map((address) => get(address)?.lamports ?? 0n)
  const before = lamports()
  const result = execute(transaction, get, () => durableNonceOf(parent.blockhash))
  if (result.kind === 'dropped') return false
  for (const [address, account] of result.after) writeAccount(ledger, address, into, account)
  const { fault, fee, units } = result
  const inclusion = { transaction, slot: into.slot, fault, fee, units, before, after: lamports() }
  into.inclusions.push(inclusion)
  if (into.fork !== undefined) ledger.onForks.push(inclusion)
  else ledger.onTrunk.set(transaction.signature, inclusion)
  return true
}

function dueOf(effect: Effect, random: Random, dice: FaultDice, slot: number): Due | undefined {
  if (effect === 'forwarded') return { slot: slot + 1 + random.int(3) }
  if (effect === 'held') return { slot: slot + 4 + random.int(LIFETIME_BLOCKS) }
  if (effect === 'last') return 'last'
  if (!dice.strikes('resurrected', random)) return undefined
  return random.chance(0.5) ? 'last' : { slot: slot + 1 + random.int(LIFETIME_BLOCKS) }
}

function drawGap(random: Random, dice: FaultDice, after: number): Gap {
  const rate = dice.rate('skippedSlots')
  if (rate === 0) return { from: Infinity, to: Infinity, fork: undefined }
  const from = after + 1 + Math.ceil(-Math.log(1 - random.next()) / rate)
  if (!dice.isHealed()) dice.count('skippedSlots')
  if (dice.strikes('halt', random)) return { from, to: from + 200 + random.int(1_500), fork: undefined }
  if (!random.chance(dice.rate('minorityFork'))) return { from, to: from + random.int(4), fork: undefined }
  const to = from + random.int(12)
  return { from, to, fork: { from, to, isConfirmed: random.chance(dice.rate('confirmedFork')), blocks: [] } }
}
