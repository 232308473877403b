import { evmPersonalities, solanaPersonalities, startEvmProxy, startSolanaProxy } from '@waiaas/devnet'
import { describe } from 'vitest'
import type { TestedChain } from './chains.ts'
import { startTestedEvm } from './evm-chain.ts'
import { crashTransfers } from './matrix.ts'
import { startTestedSolana } from './solana-chain.ts'

/** The chain as it is, and the wallet's node in front of it. */
async function behind(chain: TestedChain, node: { rpcUrl: string; stop: () => Promise<void> }): Promise<TestedChain> {
  const stop = async () => {
    await node.stop()
    await chain.stop()
  }
  return { ...chain, rpcUrl: node.rpcUrl, stop }
}

describe('nethermind', () => {
  crashTransfers('eth_sendRawTransaction', async () => {
    const chain = await startTestedEvm()
    const personality = evmPersonalities.nethermind
    return await behind(chain, await startEvmProxy({ upstream: chain.rpcUrl, personality }))
  })
})

describe('agaveWithoutHistory', () => {
  crashTransfers('sendTransaction', async () => {
    const chain = await startTestedSolana()
    const personality = solanaPersonalities.agaveWithoutHistory
    return await behind(chain, await startSolanaProxy({ upstream: chain.rpcUrl, personality }))
  })
})
