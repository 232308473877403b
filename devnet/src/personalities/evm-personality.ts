import type { Hex } from 'viem'

/** Reasons for which an EVM node refuses a transaction or a read; each client words them differently. */
export const EVM_SITUATIONS = [
  'alreadyKnown',
  'nonceTooLow',
  'nonceTooHigh',
  'replacementUnderpriced',
  'tipTooLow',
  'feeTooLow',
  'feeCapBelowBaseFee',
  'tipAboveFeeCap',
  'insufficientFunds',
  'insufficientFundsQueued',
  'intrinsicGas',
  'floorDataGas',
  'gasLimitAboveBlock',
  'gasLimitAboveCap',
  'feeAboveCap',
  'poolFull',
  'senderLimit',
  'delegatedLimit',
  'delegatedGap',
  'authorityReserved',
  'addressReserved',
  'invalidSignature',
  'wrongChain',
  'unprotected',
  'oversized',
  'poolDisabled',
  'notAccepting',
  'methodNotFound',
  'finalizedMissing',
  'safeMissing',
  'pendingMissing',
  'unknownBlock',
  'blockHashObject',
  'stateMissing',
  'bodyMissing',
  'indexing',
  'reverted',
  'gasAllowance',
] as const

export type EvmSituation = (typeof EVM_SITUATIONS)[number]

/** A JSON-RPC error as a client words it. `{name}` in the message or the data stands for a value of the call. */
export type Words = {
  readonly code: number
  readonly message: string
  readonly data?: unknown
  /** Where the words come from: repository and file, or issue. */
  readonly source: string
  /** No source at first hand was found. */
  readonly unconfirmed?: true
}

/** How a node refuses a whole HTTP request: with a status, or with status 200 and an error in the body. */
export type Refusal = {
  readonly status: number
  /** A JSON-RPC error; for a refused call it carries the call's id. */
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
  /** A body that is not a JSON-RPC response. */
  readonly body?: string
  readonly retryAfterSeconds?: number
  /** The error carries the id null, as one for a whole batch does. */
  readonly idless?: true
  readonly source: string
  readonly unconfirmed?: true
}

/** How a node takes JSON-RPC requests, whatever chain is behind it. */
export type Transport = {
  readonly batch: {
    /** The most calls in a batch; 0 where batches are refused, absent where there is no limit. */
    readonly limit?: number
    /** What a batch above the limit gets. */
    readonly refusal?: Refusal & { readonly shape?: 'list' | 'object' }
    /** Where one call fails, the answer is its error alone, as an object. */
    readonly oneErrorForAll?: true
    readonly source: string
  }
  /** The ways in which it throttles, the usual one first. */
  readonly throttling: readonly Refusal[]
}

export type Replacement = {
  readonly percent: bigint
  readonly compares: 'both' | 'paid'
  /** How the amount asked for is rounded. */
  readonly rounds: 'down' | 'up'
}

/** What the transaction pool takes. */
export type PoolRules = {
  /**
   * How much more a transaction must pay to replace one with its nonce. `both`: fee cap and tip; `paid`: what it pays
   * in the next block. `never` where there is no pool: what was accepted is in a block.
   */
  readonly replacement: Replacement | 'never'
  readonly minTip: bigint
  /** `queued`: taken, and waits; `refused`; a number: the farthest distance from the account's nonce. */
  readonly nonceGap: 'queued' | 'refused' | number
  /** Milliseconds a transaction waits for its predecessor before it is refused. */
  readonly waitsForPredecessorMs?: number
  readonly feeCapBelowBaseFee: 'queued' | 'refused'
  /** Wei that fee cap times gas limit may be at most. */
  readonly feeCap?: bigint | undefined
  readonly maxBytes: number
  /** The most gas of one transaction besides the block's limit. */
  readonly maxGas?: bigint | undefined
  /** Whether the balance must cover the transaction, also the ones that wait, or is not looked at. */
  readonly balance: 'alone' | 'withQueued' | 'unchecked'
  /** The contract that tells what a rollup charges for the data of a transaction; the account has to have that, too. */
  readonly dataFeeOracle?: Hex
  /** Whether bytes that it had once stay "known" after they were mined. */
  readonly knownAfterMining?: true
  /** An account with EIP-7702 code may have one waiting transaction; `replaceable`: it may be replaced. */
  readonly delegated?: 'one' | 'replaceable' | undefined
  readonly source: string
}

/** What an EVM client or gateway does differently from anvil, as data. */
export type EvmPersonality = Transport & {
  readonly name: string
  readonly chain: 'evm'
  /** What `web3_clientVersion` returns. */
  readonly clientVersion: string
  /** A situation without words does not occur there, or no source was found. */
  readonly says: { readonly [Situation in EvmSituation]?: Words | undefined }
  readonly pool: PoolRules
  /** Optional methods, or with `*` namespaces, that it lacks unless its operator enables them. */
  readonly missingMethods: Readonly<Record<string, Words>>
  /** Blocks whose state is kept; absent: all. */
  readonly stateBlocks?: number | undefined
}

/** Words with the code that JSON-RPC servers use for errors without one of their own. */
export function serverError(message: string, source: string): Words {
  return { code: -32000, message, source }
}
