import type { Hex } from 'viem'
import type { EvmPersonality, EvmSituation, PoolRules } from '../personalities/evm-personality.ts'
import { costOf, type EvmTransaction } from './evm-transaction.ts'
import type { Values } from './words.ts'

/** What the node knows when a transaction comes in. */
export type EvmNodeState = {
  readonly chainId: number
  /** The sender's count at the head. */
  readonly nonce: bigint
  readonly balance: bigint
  readonly code: Hex
  readonly baseFee: bigint
  readonly blockGasLimit: bigint
  /** What the chain charges for the data of the transaction. */
  readonly dataFee: bigint
  /** The sender's transactions in the pool, by nonce. */
  readonly pooled: ReadonlyMap<bigint, PooledTransaction>
  /** Whether the very bytes are in a block already. */
  readonly isMined: boolean
}

export type PooledTransaction = {
  readonly hash: Hex
  readonly feeCap: bigint
  readonly tip: bigint
  readonly cost: bigint
}

export type Verdict = { readonly situation: EvmSituation; readonly values: Values }

type Check = (transaction: EvmTransaction, state: EvmNodeState, rules: PoolRules) => Verdict | undefined

/**
 * Why the node refuses the transaction, or undefined where it takes it. A situation for which the personality has no
 * words does not occur there.
 */
export function refusalOf(
  transaction: EvmTransaction,
  state: EvmNodeState,
  { pool, says }: EvmPersonality,
): Verdict | undefined {
  for (const check of CHECKS) {
    const verdict = check(transaction, state, pool)
    if (verdict && says[verdict.situation]) return verdict
  }
  return undefined
}

/** In the order of go-ethereum: internal/ethapi/api.go SubmitTransaction, core/txpool/validation.go, legacypool.go. */
const CHECKS: readonly Check[] = [
  feeAboveCap,
  ({ chainId }) => (chainId === undefined ? { situation: 'unprotected', values: {} } : undefined),
  alreadyKnown,
  ({ bytes }, _, { maxBytes }) =>
    bytes > maxBytes ? { situation: 'oversized', values: { size: bytes, sizeLimit: maxBytes } } : undefined,
  gasLimits,
  wrongChain,
  ({ feeCap, tip }) => (tip > feeCap ? { situation: 'tipAboveFeeCap', values: { feeCap, tip } } : undefined),
  intrinsicGas,
  fees,
  nonces,
  funds,
  delegation,
  replacement,
]

const ETHER = 10n ** 18n

function feeAboveCap({ feeCap, gas }: EvmTransaction, _: EvmNodeState, { feeCap: cap }: PoolRules) {
  if (cap === undefined || feeCap * gas <= cap) return undefined
  const values = { fee: feeCap * gas, cap, feeEther: inEther(feeCap * gas), capEther: inEther(cap) }
  return { situation: 'feeAboveCap', values } as const
}

function alreadyKnown({ hash, nonce }: EvmTransaction, state: EvmNodeState, rules: PoolRules) {
  const isPooled = rules.replacement !== 'never' && state.pooled.get(nonce)?.hash === hash
  const isKnown = isPooled || (rules.knownAfterMining === true && state.isMined)
  return isKnown ? ({ situation: 'alreadyKnown', values: { hash } } as const) : undefined
}

function gasLimits({ gas }: EvmTransaction, { blockGasLimit }: EvmNodeState, { maxGas }: PoolRules) {
  const values = { gas, gasLimit: blockGasLimit, gasCap: maxGas ?? 0n }
  if (gas > blockGasLimit) return { situation: 'gasLimitAboveBlock', values } as const
  return maxGas !== undefined && gas > maxGas ? ({ situation: 'gasLimitAboveCap', values } as const) : undefined
}

function wrongChain({ chainId }: EvmTransaction, state: EvmNodeState) {
  if (chainId === undefined || chainId === state.chainId) return undefined
  return { situation: 'wrongChain', values: { txChainId: chainId, chainId: state.chainId } } as const
}

function intrinsicGas({ gas, intrinsicGas, floorGas }: EvmTransaction) {
  if (gas < intrinsicGas) return { situation: 'intrinsicGas', values: { gas, needed: intrinsicGas } } as const
  return gas < floorGas ? ({ situation: 'floorDataGas', values: { gas, needed: floorGas } } as const) : undefined
}

function fees({ feeCap, tip, sender }: EvmTransaction, { baseFee }: EvmNodeState, rules: PoolRules) {
  const values = { feeCap, tip, sender, baseFee, minTip: rules.minTip }
  if (tip < rules.minTip) return { situation: 'tipTooLow', values } as const
  const isBelow = rules.feeCapBelowBaseFee === 'refused' && feeCap < baseFee
  return isBelow ? ({ situation: 'feeCapBelowBaseFee', values } as const) : undefined
}

function nonces(
  { nonce, sender }: EvmTransaction,
  state: EvmNodeState,
  { nonceGap, replacement: replaces }: PoolRules,
) {
  // Where there is no pool, what was accepted has consumed its nonce at once.
  const next = replaces === 'never' ? firstFree(state) : state.nonce
  const values = { nonce, next, sender, gap: firstFree(state) }
  if (nonce < next) return { situation: 'nonceTooLow', values } as const
  const farthest =
    nonceGap === 'queued' ? undefined : nonceGap === 'refused' ? firstFree(state) : next + BigInt(nonceGap)
  return farthest !== undefined && nonce > farthest ? ({ situation: 'nonceTooHigh', values } as const) : undefined
}

function funds(transaction: EvmTransaction, { balance, pooled, dataFee }: EvmNodeState, rules: PoolRules) {
  const { sender, nonce } = transaction
  if (rules.balance === 'unchecked') return undefined
  const cost = costOf(transaction) + dataFee
  if (balance < cost) {
    const values = { sender, balance, cost, overshot: cost - balance }
    return { situation: 'insufficientFunds', values } as const
  }
  // What the data of those in the pool costs is taken to be the same.
  const queued = [...pooled].reduce(
    (sum, [other, { cost: part }]) => (other === nonce ? sum : sum + part + dataFee),
    0n,
  )
  if (rules.balance === 'alone' || balance >= queued + cost) return undefined
  const values = { sender, balance, cost, queued, overshot: queued + cost - balance }
  return { situation: 'insufficientFundsQueued', values } as const
}

/** EIP-7702: an account with delegated code may have one transaction in flight. */
function delegation({ nonce }: EvmTransaction, state: EvmNodeState, { delegated }: PoolRules) {
  if (delegated === undefined || !state.code.startsWith('0xef0100')) return undefined
  if (state.pooled.has(nonce)) return undefined
  if (state.pooled.size > 0 && delegated === 'replaceable') return { situation: 'delegatedLimit', values: {} } as const
  return nonce === state.nonce ? undefined : ({ situation: 'delegatedGap', values: {} } as const)
}

function replacement(transaction: EvmTransaction, state: EvmNodeState, { replacement: rule }: PoolRules) {
  const old = state.pooled.get(transaction.nonce)
  if (!old || rule === 'never') return undefined
  const rest = rule.rounds === 'up' ? 99n : 0n
  const enough = (now: bigint, before: bigint) => now > before && now >= (before * (100n + rule.percent) + rest) / 100n
  const paid = ({ feeCap, tip }: { feeCap: bigint; tip: bigint }) => min(feeCap, state.baseFee + tip)
  const replaces =
    rule.compares === 'both'
      ? enough(transaction.feeCap, old.feeCap) && enough(transaction.tip, old.tip)
      : enough(paid(transaction), paid(old))
  return replaces ? undefined : ({ situation: 'replacementUnderpriced', values: { hash: old.hash } } as const)
}

/** The first nonce that neither a block nor the pool has. */
export function firstFree({ nonce, pooled }: Pick<EvmNodeState, 'nonce' | 'pooled'>): bigint {
  let next = nonce
  while (pooled.has(next)) next += 1n
  return next
}

function inEther(wei: bigint): string {
  return (Number((wei * 10_000n) / ETHER) / 10_000).toFixed(2)
}

function min(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}
