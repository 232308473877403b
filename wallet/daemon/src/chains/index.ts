import { type ChainFamily, type Network, networkOf } from '@waiaas/core'
import type { ChainAdapter, NodeOptions, ServedNetwork } from './chain-adapter.ts'
import { createEvmAdapter } from './evm/evm-adapter.ts'
import { createSolanaAdapter } from './solana/solana-adapter.ts'

/** One member per chain family; each serves all networks of its family. */
const families: Record<ChainFamily, (network: Network, options: NodeOptions) => ChainAdapter> = {
  evm: createEvmAdapter,
  solana: createSolanaAdapter,
}

/** An adapter per configured network. Nothing is asked of a node before `connect`. */
export function createAdapters(
  config: readonly ServedNetwork[],
  options: Omit<NodeOptions, 'rpcUrls' | 'finalityDepth'>,
): ChainAdapter[] {
  return config.map(({ network: name, ...set }) => {
    const network = networkOf(name)
    return families[network.family](network, { ...options, ...set })
  })
}
