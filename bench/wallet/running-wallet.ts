import { type SolanaNode, startSolanaNode } from '@waiaas/devnet'
import { type RawEvm, startRawEvm } from './raw-evm.ts'
import {
  type BenchAgent,
  logIn,
  makeAgents,
  makeWalletHome,
  type StartedWallet,
  walletFromSource,
} from './wallet-stack.ts'

export type RunningWallet<Chain> = { chain: Chain; wallet: StartedWallet; agents: BenchAgent[] }

/**
 * A new wallet with funded agents on a new EVM chain, both gone afterwards. anvil takes longer for a block the more
 * there are, so figures can be held against one another only where each has a chain of its own.
 */
export async function onEvm<Result>(
  agents: number,
  work: (running: RunningWallet<RawEvm>) => Promise<Result>,
): Promise<Result> {
  const chain = await startRawEvm()
  try {
    return await withWallet({ evm_local: chain.url }, agents, async (wallet, made) => {
      for (const { addresses } of made) await chain.fund(addresses.evm)
      return await work({ chain, wallet, agents: made })
    })
  } finally {
    await chain.stop()
  }
}

/** The same on a new Solana chain. */
export async function onSolana<Result>(
  agents: number,
  work: (running: RunningWallet<SolanaNode>) => Promise<Result>,
): Promise<Result> {
  const chain = await startSolanaNode({})
  try {
    return await withWallet({ solana_local: chain.rpcUrl }, agents, async (wallet, made) => {
      for (const { addresses } of made) await chain.control.fund(addresses.solana, 10n ** 12n)
      return await work({ chain, wallet, agents: made })
    })
  } finally {
    await chain.stop()
  }
}

async function withWallet<Result>(
  nodes: Record<string, string>,
  count: number,
  work: (wallet: StartedWallet, agents: BenchAgent[]) => Promise<Result>,
): Promise<Result> {
  const program = walletFromSource()
  const home = await makeWalletHome(program, nodes)
  try {
    const wallet = await home.start()
    try {
      await logIn(home, wallet)
      return await work(wallet, await makeAgents(wallet, count))
    } finally {
      await wallet.signer.stop()
    }
  } finally {
    home.remove()
    program.remove()
  }
}
