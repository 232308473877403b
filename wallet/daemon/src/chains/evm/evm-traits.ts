import type { NetworkName } from '@waiaas/core'

/** How an EVM network behaves, beyond its chain id. */
export type EvmTraits = {
  /** What `finalized` names on public networks; a local chain decides alone. */
  finality: 'finalized' | 'latest'
  /** How long it usually takes from a block to its finality, ms. */
  finalityLagMs: number
  /** No pool: a transaction whose predecessor is not there yet is refused (Arbitrum). */
  noPool: boolean
  /** How often to look for a new block; fee data is as old as this at most. */
  pollMs: number
  /** A chain of one's own, which may be started anew at any time. */
  ownChain: boolean
  /** The lowest tip per gas that the pools of the network take. */
  minTip: bigint
  /** The highest tip per gas that is paid, whatever a node suggests. */
  maxTip: bigint
  /** Rollups of the OP Stack charge for data on their parent chain, apart from gas; this contract tells how much. */
  l1FeeOracle?: `0x${string}`
  /** The contract that turns the native coin into an ERC-20 token and back. */
  wrapped?: `0x${string}`
}

const gwei = 1_000_000_000n
const opStackOracle = '0x420000000000000000000000000000000000000F'

/** Pools of geth and its forks refuse a tip of zero: --txpool.pricelimit is 1 (go-ethereum#24079). */
const LEAST_TIP = 1n

const ethereum: EvmTraits = {
  finality: 'finalized',
  finalityLagMs: 900_000,
  noPool: false,
  ownChain: false,
  pollMs: 4_000,
  minTip: LEAST_TIP,
  maxTip: 50n * gwei,
}
const polygon: EvmTraits = {
  finality: 'finalized',
  // Milestones make blocks final within seconds; without them, checkpoints within half an hour.
  finalityLagMs: 300_000,
  noPool: false,
  ownChain: false,
  pollMs: 2_000,
  // PIP-35, for both networks: bor#1285, bor#1290, erigon#11294.
  minTip: 25n * gwei,
  maxTip: 1_000n * gwei,
}
const rollup: EvmTraits = {
  finality: 'finalized',
  finalityLagMs: 1_200_000,
  noPool: false,
  ownChain: false,
  pollMs: 1_000,
  minTip: LEAST_TIP,
  maxTip: 5n * gwei,
}
/** The sequencer takes transactions in the order of their nonces only (nitro#1418). */
const arbitrum: EvmTraits = { ...rollup, noPool: true }
const opStack: EvmTraits = {
  ...rollup,
  l1FeeOracle: opStackOracle,
  wrapped: '0x4200000000000000000000000000000000000006',
}
/** One node that makes a block at once and decides alone. */
const local: EvmTraits = {
  finality: 'latest',
  finalityLagMs: 1_000,
  noPool: false,
  ownChain: true,
  pollMs: 100,
  minTip: 0n,
  maxTip: 50n * gwei,
}

const table: Partial<Record<NetworkName, EvmTraits>> = {
  'ethereum-mainnet': { ...ethereum, wrapped: '0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2' },
  'ethereum-sepolia': { ...ethereum, wrapped: '0xfFf9976782d46CC05630D1f6eBAb18b2324d6B14' },
  'polygon-mainnet': { ...polygon, wrapped: '0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270' },
  'polygon-amoy': polygon,
  'arbitrum-mainnet': { ...arbitrum, wrapped: '0x82aF49447D8a07e3bd95BD0d56f35241523fBab1' },
  'arbitrum-sepolia': arbitrum,
  'base-mainnet': opStack,
  'base-sepolia': opStack,
  'optimism-mainnet': opStack,
  'optimism-sepolia': opStack,
  'evm-local': local,
}

export function evmTraits(name: NetworkName): EvmTraits {
  const traits = table[name]
  if (traits === undefined) throw new Error(`no traits for EVM network ${name}`)
  return traits
}
