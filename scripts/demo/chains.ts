import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { base58 } from '@scure/base'
import { formatUnits, parseUnits } from '@waiaas/core'
import { type EvmNode, type SolanaNode, startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { callRpc } from './json-rpc.ts'

/** A local chain as the demo shows it: amounts in human units, and a way to look at the chain itself. */
export type DemoChain = {
  symbol: string
  network: 'evm-local' | 'solana-local'
  rpcUrl: string
  /** Below the instant limit; above the approval limit; above the hard limit. */
  small: string
  large: string
  tooLarge: string
  newAddress: () => string
  /** What an address holds, asked from the chain, in human units. */
  arrived: (address: string) => Promise<string>
  /** Whether the chain itself knows the transaction as done. */
  confirmed: (hash: string) => Promise<boolean>
  /** The first transaction id of this chain in a text. */
  hashIn: (text: string) => string | undefined
  fund: (address: string, humanAmount: string) => Promise<void>
  stop: () => Promise<void>
}

/** Starts both local chains; their state is kept in `folder`. */
export async function startDemoChains(folder: string): Promise<DemoChain[]> {
  const evm = await startEvmNode({ stateFile: join(folder, 'evm.json') })
  try {
    return [ether(evm), sol(await startSolanaNode({ stateFile: join(folder, 'solana.json') }))]
  } catch (error) {
    await evm.stop()
    throw error
  }
}

function ether(node: EvmNode): DemoChain {
  return {
    symbol: 'ETH',
    network: 'evm-local',
    rpcUrl: node.rpcUrl,
    small: '0.001',
    large: '0.6',
    tooLarge: '20',
    newAddress: () => `0x${randomBytes(20).toString('hex')}`,
    arrived: async (address) =>
      formatUnits(BigInt((await callRpc(node.rpcUrl, 'eth_getBalance', [address, 'latest'])) as string), 18),
    confirmed: async (hash) => {
      const receipt = (await callRpc(node.rpcUrl, 'eth_getTransactionReceipt', [hash])) as { status: string } | null
      return receipt?.status === '0x1'
    },
    hashIn: (text) => /0x[0-9a-f]{64}/.exec(text)?.[0],
    fund: (address, amount) => node.control.fund(address, parseUnits(amount, 18)!),
    stop: () => node.stop(),
  }
}

function sol(node: SolanaNode): DemoChain {
  return {
    symbol: 'SOL',
    network: 'solana-local',
    rpcUrl: node.rpcUrl,
    small: '0.05',
    large: '12',
    tooLarge: '150',
    newAddress: () => base58.encode(randomBytes(32)),
    arrived: async (address) => {
      const { value } = (await callRpc(node.rpcUrl, 'getBalance', [address, { commitment: 'confirmed' }])) as {
        value: number
      }
      return formatUnits(BigInt(value), 9)
    },
    confirmed: async (signature) => {
      const { value } = (await callRpc(node.rpcUrl, 'getSignatureStatuses', [
        [signature],
        { searchTransactionHistory: true },
      ])) as {
        value: ({ err: unknown; confirmationStatus: string } | null)[]
      }
      return value[0]?.err === null && value[0].confirmationStatus !== 'processed'
    },
    hashIn: (text) => /\b[1-9A-HJ-NP-Za-km-z]{80,90}\b/.exec(text)?.[0],
    fund: (address, amount) => node.control.fund(address, parseUnits(amount, 9)!),
    stop: () => node.stop(),
  }
}
