import type { SimulatedClock } from './clock.ts'
import type { Block, Credit, EvmChain } from './evm-chain.ts'
import type { EvmClient } from './evm-clients.ts'
import type { FaultBook, FaultReport } from './evm-faults.ts'
import type { EvmPool } from './evm-pool.ts'
import type { Hex, Transaction, TransactionReader } from './evm-transaction.ts'
import type { Random } from './random.ts'

/** Bytes that were handed to a node, in whatever way that ended. */
export type Out = {
  readonly raw: Hex
  /** Absent for bytes that are no transaction. */
  readonly transaction: Transaction | undefined
  readonly handovers: { readonly at: number; readonly url: string }[]
}

/** One node process behind an address. A gateway has several. */
export type Backend = {
  readonly id: string
  readonly url: string
  readonly client: EvmClient
  readonly pool: EvmPool
  /** How long a block or a transaction takes to it. */
  readonly delayMillis: number
  /** Blocks whose state it keeps; undefined for an archive. */
  readonly stateBlocks: number | undefined
}

/** What an oracle wants to hear of in the moment in which it happens. */
export type EvmObserver = {
  /** A fault struck. */
  fault(report: FaultReport): void
  /** Bytes leave the wallet: called in the turn of the write. */
  handover(raw: Hex, url: string): void
  /** The canonical chain has another head. */
  head(block: Block): void
}

export type Dated = { readonly at: number; readonly block: Block }

/** Everything that the parts of the network share. */
export type EvmWorld = {
  readonly clock: SimulatedClock
  readonly random: Random
  readonly chain: EvmChain
  readonly faults: FaultBook
  readonly observer: EvmObserver
  readonly blockMillis: number
  /** Whether other people's transactions use gas, too. */
  readonly hasTraffic: boolean
  readonly read: TransactionReader
  readonly backends: readonly Backend[]
  /** By keccak-256 of the bytes, which is the hash of a transaction. */
  readonly out: Map<Hex, Out>
  /** What only a block builder has, and from when it may be mined. */
  readonly builder: Map<Hex, { readonly transaction: Transaction; readonly dueAt: number }>
  /** Every block, canonical or not, that lists a transaction. */
  readonly inclusions: Map<Hex, Block[]>
  /** The heads and final blocks over time, the newest last; and blocks that were heads for some nodes only. */
  readonly heads: Dated[]
  readonly finals: Dated[]
  readonly sides: Dated[]
  /** What the next block has to have, whatever the policy. */
  readonly next: { transactions: Transaction[]; credits: Credit[] }
}

/** The newest that is not newer than the time. */
export function newestAt(history: readonly Dated[], time: number): Block {
  for (let index = history.length - 1; index > 0; index -= 1) {
    if (history[index]!.at <= time) return history[index]!.block
  }
  return history[0]!.block
}

export function noteBlock(world: EvmWorld, block: Block): void {
  for (const { transaction } of block.transactions) {
    const before = world.inclusions.get(transaction.hash)
    if (before === undefined) world.inclusions.set(transaction.hash, [block])
    else before.push(block)
  }
}

/** The block of that number on the line that ends with `head`. */
export function ancestor(chain: EvmChain, head: Block, number: number): Block | undefined {
  if (number > head.number || number < chain.first.number) return undefined
  let block = head
  while (block.number > number) {
    if (chain.isCanonical(block)) return chain.canonical(number)
    block = chain.block(block.parentHash)!
  }
  return block
}
