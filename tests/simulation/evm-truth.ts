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

export function createTruth({ chain, out, inclusions }: EvmWorld): EvmTruth {
  const isCanonical = (hash: Hex) => {
    const block = chain.block(hash)
    return block !== undefined && chain.isCanonical(block)
  }
  const isFinal = (hash: Hex) => isCanonical(hash) && chain.block(hash)!.number <= chain.final().number
  const top = (at: 'head' | 'final') => (at === 'head' ? chain.head() : chain.final())
  const inclusion = (hash: Hex) => {
    const block = inclusions.get(hash)?.find((each) => chain.isCanonical(each))
    const included = block?.transactions.find(({ transaction }) => transaction.hash === hash)
    if (block === undefined || included === undefined) return undefined
    return { block, included, isFinal: isFinal(block.hash) }
  }
  /** Every transaction of the canonical chain up to there. */
  const upTo = function* (at: 'head' | 'final') {
    for (let number = chain.first.number; number <= top(at).number; number += 1) {
      const block = chain.canonical(number)!
      for (const included of block.transactions) yield { block, included }
    }
  }
  const isOwn = ({ hash }: Transaction) => out.has(hash)

  return {
    head: chain.head,
    final: chain.final,
    block: chain.block,
    canonical: chain.canonical,
    isCanonical,
    isFinal,
    inclusion,
    account: (address, at) => accountIn(top(at).state, address),
    out: () => out,
    canEverLand: (hash) => {
      const transaction = out.get(hash)?.transaction
      if (transaction === undefined) return { can: false, why: 'no such transaction ever left' }
      const found = inclusion(hash)
      if (found !== undefined) return { can: true, why: `block ${found.block.number} has it` }
      const broken = brokenFor(transaction, chain)
      if (broken !== undefined) return { can: false, why: broken }
      if (chain.contracts.has(transaction.from)) return { can: false, why: 'sender is contract' }
      const { nonce } = accountIn(chain.final().state, transaction.from)
      if (nonce > transaction.nonce) return { can: false, why: 'the final chain has used its nonce' }
      return { can: true, why: 'the final chain has not used its nonce' }
    },
    transfersTo: (payee) => {
      const transfers = []
      for (const { block, included } of upTo('head')) {
        const { transaction, succeeded } = included
        if (!succeeded || transaction.to !== payee || transaction.value === 0n) continue
        transfers.push({ transaction, block, isFinal: isFinal(block.hash) })
      }
      return transfers
    },
    consumed: (address, at) => {
      const count = { own: 0, foreign: 0 }
      for (const { included } of upTo(at)) {
        const { transaction } = included
        if (transaction.from === address) count[isOwn(transaction) ? 'own' : 'foreign'] += 1
        for (const { account } of transaction.authorizations) if (account === address) count.foreign += 1
      }
      return count
    },
    outflow: (address, at) => {
      const sum = { own: 0n, foreign: 0n }
      for (const { included } of upTo(at)) {
        const { transaction, gasUsed, effectiveGasPrice, succeeded } = included
        if (transaction.from !== address) continue
        const value = succeeded && transaction.to !== address ? transaction.value : 0n
        sum[isOwn(transaction) ? 'own' : 'foreign'] += value + gasUsed * effectiveGasPrice
      }
      return sum
    },
  }
}
