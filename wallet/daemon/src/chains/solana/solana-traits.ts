import type { NetworkName } from '@waiaas/core'

/** How a Solana network behaves. */
export type SolanaTraits = {
  /** How often to look for a new block. */
  watchMs: number
  /** A blockhash is as old as this at most. */
  pollMs: number
  /** The highest priority fee that is paid, in micro-lamports per compute unit. */
  maxUnitPrice: bigint
  /** A local chain has a genesis of its own; any that is not a public network's will do. */
  ownGenesis: boolean
}

const cluster: SolanaTraits = { watchMs: 400, pollMs: 400, maxUnitPrice: 5_000_000n, ownGenesis: false }

const table: Partial<Record<NetworkName, SolanaTraits>> = {
  'solana-mainnet': cluster,
  'solana-devnet': cluster,
  'solana-testnet': cluster,
  'solana-local': { ...cluster, watchMs: 40, pollMs: 100, ownGenesis: true },
}

export function solanaTraits(name: NetworkName): SolanaTraits {
  const traits = table[name]
  if (traits === undefined) throw new Error(`no traits for Solana network ${name}`)
  return traits
}
