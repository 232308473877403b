import type { EvmClient } from './evm-clients.ts'
import { type Account, type BlockRules, brokenFor, type Refusal, upfrontCost } from './evm-rules.ts'
import type { Hex, Transaction } from './evm-transaction.ts'

/** The transactions that one backend knows and no block of its chain has. */
export type EvmPool = {
  /** Why the pool refuses it; undefined where it can be added. */
  refuses(transaction: Transaction, sender: Account, rules: BlockRules): Refusal | undefined
  /** Adds it in place of another with the same nonce. */
  add(transaction: Transaction): void
  has(hash: Hex): boolean
  get(hash: Hex): Transaction | undefined
  all(): Iterable<Transaction>
  /** The nonce after the transactions that follow `nonce` without a gap. */
  nextNonce(address: Hex, nonce: bigint): bigint
  remove(hash: Hex): void
}

/** Both fees have to be a tenth above the old ones (geth `txpool.pricebump`, and the other clients' defaults). */
const BUMP_PERCENT = 110n

export function createPool(client: EvmClient): EvmPool {
  const byHash = new Map<Hex, Transaction>()
  const rival = ({ from, nonce }: Transaction) => {
    for (const other of byHash.values()) if (other.from === from && other.nonce === nonce) return other
    return undefined
  }
  /** Of everything else of the sender's that is not mined yet and would not be replaced. */
  const queuedCost = ({ from, nonce }: Transaction, sender: Account) => {
    let sum = 0n
    for (const other of byHash.values()) {
      if (other.from === from && other.nonce !== nonce && other.nonce >= sender.nonce) sum += upfrontCost(other)
    }
    return sum
  }
  return {
    has: (hash) => byHash.has(hash),
    get: (hash) => byHash.get(hash),
    all: () => byHash.values(),
    remove: (hash) => void byHash.delete(hash),
    add: (transaction) => {
      const old = rival(transaction)
      if (old !== undefined) byHash.delete(old.hash)
      byHash.set(transaction.hash, transaction)
    },
    nextNonce: (address, nonce) => {
      const nonces = new Set<bigint>()
      for (const { from, nonce } of byHash.values()) if (from === address) nonces.add(nonce)
      let next = nonce
      while (nonces.has(next)) next += 1n
      return next
    },
    refuses: (transaction, sender, rules) => {
      const { hash, nonce, chainId, maxFeePerGas: fee, maxPriorityFeePerGas: tip } = transaction
      if (byHash.has(hash) && nonce >= sender.nonce) return 'already known'
      const broken = brokenFor(transaction, rules)
      if (broken !== undefined) return broken
      if (chainId === undefined) return 'no chain'
      if (tip < client.leastTip) return 'underpriced'
      if (rules.contracts.has(transaction.from)) return 'sender is contract'
      if (nonce < sender.nonce) return 'nonce too low'
      if (client.gaps === 'refused' && nonce > sender.nonce) return 'nonce too high'
      const queued = client.countsQueuedCost ? queuedCost(transaction, sender) : 0n
      if (sender.balance < queued + upfrontCost(transaction)) return 'insufficient funds'
      if (client.belowBaseFee === 'refused' && fee < rules.baseFeePerGas) return 'fee below base fee'
      const old = rival(transaction)
      const isDearer =
        old === undefined ||
        (fee * 100n >= old.maxFeePerGas * BUMP_PERCENT && tip * 100n >= old.maxPriorityFeePerGas * BUMP_PERCENT)
      return isDearer ? undefined : 'replacement underpriced'
    },
  }
}
