import type { WAIaaSClient } from '@waiaas/sdk'

export type SendRequest = Parameters<WAIaaSClient['send']>[0]

/** A request, and what the chain itself says has come of it. */
export type Payment = { request: SendRequest; amount: bigint; arrived: () => Promise<bigint> }

/** A local chain as the tests of crashes and races need it: requests of every kind, and what came of them. */
export type TestedChain = {
  network: 'evm-local' | 'solana-local'
  family: 'evm' | 'solana'
  rpcUrl: string
  /** One coin in base units. */
  coin: bigint
  token: string
  /** Those who may be approved to take tokens. */
  spenders: readonly string[]
  contracts: readonly string[]
  kinds: Readonly<Record<string, (from: string, nth: number) => Promise<Payment>>>
  newAddress: () => string
  /** A key that an owner signs with, as `readOwnerKey` takes it, and its address. */
  newOwner: () => { key: string; address: string }
  /** 100 coins and 1000 tokens. */
  fund: (address: string) => Promise<void>
  /** Adds coins, in base units. */
  grant: (address: string, amount: bigint) => Promise<void>
  balance: (address: string) => Promise<bigint>
  tokens: (address: string) => Promise<bigint>
  /** Ids of the transactions in the chain that this address paid for. */
  made: (address: string) => Promise<string[]>
  stop: () => Promise<void>
}

/** What a payer begins with, beside 100 coins. */
export const TOKENS = 1_000_000_000n
/** How many may be approved. */
export const SPENDERS = 24

/** Coins to somebody, of whom the chain says what he holds. */
export function transfer(
  network: TestedChain['network'],
  to: string,
  amount: bigint,
  balance: (address: string) => Promise<bigint>,
): Payment {
  return { request: { network, to, amount: String(amount) }, amount, arrived: () => balance(to) }
}
