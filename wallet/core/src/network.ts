import { bytesToHex } from '@noble/hashes/utils.js'
import { base64 } from '@scure/base'
import { z } from 'zod'

/** What a chain family decides: the key's curve, the form of an address, the unit of a fee. */
export type ChainFamily = 'evm' | 'solana'

export type Environment = 'mainnet' | 'testnet'

export type Network = {
  name: NetworkName
  /** CAIP-2 id. */
  caip2: string
  family: ChainFamily
  /** A daemon serves one environment. Local chains belong to `testnet`. */
  environment: Environment
  /** The native coin: its symbol, and how many decimals a human unit has. */
  native: { symbol: string; decimals: number }
  /** Bytes of a transaction as text, the way its chain's nodes take them. */
  transactionText: (bytes: Uint8Array) => string
  /** The largest amount of a token that its chain can hold. */
  maxTokenAmount: bigint
  /** True where a payment in the native coin runs the code of an account that has some. */
  paymentsRunCode: boolean
  /** EIP-155 chain id, for EVM networks. */
  chainId?: number
  /** How long it usually takes from a payment to its finality, for people. */
  finalityUsually: string
}

const ether = { symbol: 'ETH', decimals: 18 }
const polygon = { symbol: 'POL', decimals: 18 }
const sol = { symbol: 'SOL', decimals: 9 }

const MINUTES_ON_ETHEREUM = '13 to 20 minutes'
const MINUTES_ON_ROLLUPS = '15 to 25 minutes'

const evm = (environment: Environment, chainId: number, native: Network['native'], finalityUsually: string) =>
  ({
    caip2: `eip155:${chainId}`,
    family: 'evm',
    environment,
    native,
    transactionText: (bytes: Uint8Array) => `0x${bytesToHex(bytes)}`,
    maxTokenAmount: 2n ** 256n - 1n,
    paymentsRunCode: true,
    chainId,
    finalityUsually,
  }) as const

const solana = (environment: Environment, reference: string) =>
  ({
    caip2: `solana:${reference}`,
    family: 'solana',
    environment,
    native: sol,
    transactionText: (bytes: Uint8Array) => base64.encode(bytes),
    maxTokenAmount: 2n ** 64n - 1n,
    finalityUsually: '90 to 120 seconds',
    paymentsRunCode: false,
  }) as const

const table = {
  'solana-mainnet': solana('mainnet', '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'),
  'solana-devnet': solana('testnet', 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1'),
  'solana-testnet': solana('testnet', '4uhcVJyU9pJkvQyS88uRDiswHXSGkY3z'),
  'solana-local': solana('testnet', 'local'),
  'ethereum-mainnet': evm('mainnet', 1, ether, MINUTES_ON_ETHEREUM),
  'ethereum-sepolia': evm('testnet', 11155111, ether, MINUTES_ON_ETHEREUM),
  'base-mainnet': evm('mainnet', 8453, ether, MINUTES_ON_ROLLUPS),
  'base-sepolia': evm('testnet', 84532, ether, MINUTES_ON_ROLLUPS),
  'polygon-mainnet': evm('mainnet', 137, polygon, 'a minute'),
  'polygon-amoy': evm('testnet', 80002, polygon, 'a minute'),
  'arbitrum-mainnet': evm('mainnet', 42161, ether, MINUTES_ON_ROLLUPS),
  'arbitrum-sepolia': evm('testnet', 421614, ether, MINUTES_ON_ROLLUPS),
  'optimism-mainnet': evm('mainnet', 10, ether, MINUTES_ON_ROLLUPS),
  'optimism-sepolia': evm('testnet', 11155420, ether, MINUTES_ON_ROLLUPS),
  'evm-local': evm('testnet', 31337, ether, 'a second'),
} as const satisfies Record<string, Omit<Network, 'name'>>

export type NetworkName = keyof typeof table

export const networkNames = Object.keys(table) as [NetworkName, ...NetworkName[]]

const byId = new Map<string, Network>()
for (const name of networkNames) {
  const network: Network = { name, ...table[name] }
  byId.set(name, network)
  byId.set(network.caip2, network)
}

/** The network with this name or CAIP-2 id, or `undefined`. */
export function findNetwork(nameOrCaip2: string): Network | undefined {
  return byId.get(nameOrCaip2)
}

/** The network with this name. */
export function networkOf(name: NetworkName): Network {
  return byId.get(name)!
}

/** A network on the wire: its name, or its CAIP-2 id; parsed to the name. */
export const NetworkRef = z
  .string()
  .meta({ description: 'Network name, or CAIP-2 id (eip155:8453)', examples: ['base-mainnet'] })
  .transform((value, context): NetworkName => {
    const network = findNetwork(value)
    if (network !== undefined) return network.name
    context.addIssue({ code: 'custom', message: `unknown network; one of ${networkNames.join(', ')}` })
    return z.NEVER
  })
