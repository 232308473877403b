import { type ChainFamily, type Network, type NetworkName, networkOf } from '@waiaas/core'
import type { ChainAdapter } from './chain-adapter.ts'
import { createEvmAdapter } from './evm/evm-adapter.ts'
import { createSolanaAdapter } from './solana/solana-adapter.ts'

/** One member per chain family; each serves all networks of its family. */
const families: Record<ChainFamily, (network: Network, rpcUrl: string) => ChainAdapter> = {
  evm: createEvmAdapter,
  solana: createSolanaAdapter,
}

/** An adapter per configured network. Nothing is asked of a node before `connect`. */
export function createAdapters(config: readonly { network: NetworkName; rpcUrl: string }[]): ChainAdapter[] {
  return config.map(({ network: name, rpcUrl }) => {
    const network = networkOf(name)
    return families[network.family](network, rpcUrl)
  })
}
