import { randomBytes } from 'node:crypto'
import { type EvmPersonality, evmPersonalities, startEvmNode } from '@waiaas/devnet'
import { askNode, type Truth } from './bench.ts'

export const ETH = 10n ** 18n

export type EvmTruth = Truth & {
  rpcUrl: string
  mine: (blocks: number) => Promise<void>
  stop: () => Promise<void>
}

/** A chain that makes a block for each transaction. */
export async function startEvmTruth(): Promise<EvmTruth> {
  return evmTruthOf('evm-local', await startEvmNode({}))
}

/** What a running anvil knows, for the network whose chain id it has. */
export function evmTruthOf(
  network: EvmTruth['network'],
  { rpcUrl, stop }: { rpcUrl: string; stop: () => Promise<void> },
): EvmTruth {
  return {
    network,
    family: 'evm',
    coin: ETH,
    rpcUrl,
    fund: async (address, amount) => {
      await askNode(rpcUrl, 'anvil_setBalance', address, hex(amount))
      await askNode(rpcUrl, 'evm_mine')
    },
    balance: async (address) => BigInt(await askNode<string>(rpcUrl, 'eth_getBalance', address, 'latest')),
    made: async (address) => Number(await askNode<string>(rpcUrl, 'eth_getTransactionCount', address, 'latest')),
    newAddress: () => `0x${randomBytes(20).toString('hex')}`,
    mine: async (blocks) => void (await askNode(rpcUrl, 'anvil_mine', hex(blocks))),
    stop,
  }
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`
}

/**
 * Every client and gateway, but for bor: what it asks for as a tip is a rule of its network, which `evm-local` does not
 * have.
 */
export const localPersonalities: [name: string, personality: EvmPersonality][] = Object.entries(
  evmPersonalities,
).filter(([name]) => name !== 'bor')
