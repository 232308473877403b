import type { Block, Included } from './evm-chain.ts'
import { type Account, accountIn, brokenFor } from './evm-rules.ts'
import type { Hex, Transaction } from './evm-transaction.ts'
import type { EvmWorld, Out } from './evm-world.ts'

/** What really is, for an oracle that sees everything. */
export type EvmTruth = {
  head(): Block
  final(): Block
  block(hash: Hex): Block | undefined
  canonical(number: number): Block | undefined
  isCanonical(blockHash: Hex): boolean
  /** Whether no legal future takes the block away. */
  isFinal(blockHash: Hex): boolean
  /** Where the canonical chain has a transaction. */
  inclusion(hash: Hex): { block: Block; included: Included; isFinal: boolean } | undefined
  account(address: Hex, at: 'head' | 'final'): Account
  /** All bytes that were ever handed to a node, by their hash, in the order of leaving. */
  out(): ReadonlyMap<Hex, Out>
  /** Whether some legal future of the chain has these bytes, or the past already does. */
  canEverLand(hash: Hex): { can: boolean; why: string }
  /** Transfers that succeeded on the canonical chain. */
  transfersTo(payee: Hex): { transaction: Transaction; block: Block; isFinal: boolean }[]
  /** How many nonces of an account were used by bytes that left the wallet, and how many otherwise. */
  consumed(address: Hex, at: 'head' | 'final'): { own: number; foreign: number }
  /** Value and fees that an account paid on the canonical chain. */
  outflow(address: Hex, at: 'head' | 'final'): { own: bigint; foreign: bigint }
}

export function createTruth(world: EvmWorld): EvmTruth {
  const { chain, out } = world
  return {
    head: chain.head,
    final: chain.final,
    block: chain.block,
    canonical: chain.canonical,
    isCanonical: (hash) => isCanonical(world, hash),
    isFinal: (hash) => isFinal(world, hash),
    inclusion: (hash) => inclusion(world, hash),
    account: (address, at) => accountIn((at === 'head' ? chain.head() : chain.final()).state, address),
    out: () => out,
    canEverLand: (hash) => canEverLand(world, hash),
    transfersTo: (payee) => {
      const transfers = []
      for (const { block, included } of transactionsUpTo(world, 'head')) {
        const { transaction, succeeded } = included
        if (!succeeded || transaction.to !== payee || transaction.value === 0n) continue
        transfers.push({ transaction, block, isFinal: isFinal(world, block.hash) })
      }
      return transfers
    },
    consumed: (address, at) => {
      const count = { own: 0, foreign: 0 }
      for (const { included } of transactionsUpTo(world, at)) {
        const { transaction } = included
        if (transaction.from === address) count[out.has(transaction.hash) ? 'own' : 'foreign'] += 1
        for (const { account } of transaction.authorizations) if (account === address) count.foreign += 1
      }
      return count
    },
    outflow: (address, at) => {
      const sum = { own: 0n, foreign: 0n }
      for (const { included } of transactionsUpTo(world, at)) {
        const { transaction, gasUsed, effectiveGasPrice, succeeded } = included
        if (transaction.from !== address) continue
        const value = succeeded && transaction.to !== address ? transaction.value : 0n
        sum[out.has(transaction.hash) ? 'own' : 'foreign'] += value + gasUsed * effectiveGasPrice
      }
      return sum
    },
  }
}

function isCanonical({ chain }: EvmWorld, hash: Hex): boolean {
  const block = chain.block(hash)
  return block !== undefined && chain.isCanonical(block)
}

function isFinal(world: EvmWorld, hash: Hex): boolean {
  return isCanonical(world, hash) && world.chain.block(hash)!.number <= world.chain.final().number
}

function inclusion(world: EvmWorld, hash: Hex): ReturnType<EvmTruth['inclusion']> {
  const block = world.inclusions.get(hash)?.find((each) => world.chain.isCanonical(each))
  const included = block?.transactions.find(({ transaction }) => transaction.hash === hash)
  return block === undefined || included === undefined
    ? undefined
    : { block, included, isFinal: isFinal(world, block.hash) }
}

/**
 * Only what is final rules bytes out: a reorganisation gives a nonce back, a balance can be refilled, and the base fee
 * comes down.
 */
function canEverLand(world: EvmWorld, hash: Hex): { can: boolean; why: string } {
  const { chain, out } = world
  const transaction = out.get(hash)?.transaction
  if (transaction === undefined) return { can: false, why: 'no such transaction ever left' }
  const found = inclusion(world, hash)
  if (found !== undefined) return { can: true, why: `block ${found.block.number} has it` }
  const broken = brokenFor(transaction, chain)
  if (broken !== undefined) return { can: false, why: broken }
  if (chain.contracts.has(transaction.from)) return { can: false, why: 'sender is contract' }
  const { nonce } = accountIn(chain.final().state, transaction.from)
  return nonce > transaction.nonce
    ? { can: false, why: 'the final chain has used its nonce' }
    : { can: true, why: 'the final chain has not used its nonce' }
}

/** Every transaction of the canonical chain up to its head or its final block. */
function* transactionsUpTo({ chain }: EvmWorld, at: 'head' | 'final') {
  const last = at === 'head' ? chain.head() : chain.final()
  for (let number = chain.first.number; number <= last.number; number += 1) {
    const block = chain.canonical(number)!
    for (const included of block.transactions) yield { block, included }
  }
}
