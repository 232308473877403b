import type { Refusal } from './evm-rules.ts'

export type RpcError = { readonly code: number; readonly message: string; readonly data?: unknown }

/**
 * How one kind of node words what it says, and how its pool differs. The words of refusals are collected in
 * smartcontractkit/chainlink `core/chains/evm/client/errors.go`, which names each client's source; further sources
 * stand beside the words. Besu's and Nethermind's codes, and the words of Besu, Erigon and Reth for a state or a final
 * block that is missing, are not checked against a source; nothing may depend on them.
 */
export type EvmClient = {
  readonly name: string
  readonly refusals: Partial<Record<Refusal, RpcError>>
  /** What it says of a block whose state it no longer has. */
  readonly stateGone: RpcError
  /** What it says of `finalized` before it has such a block; undefined where it answers null. */
  readonly notFinalized: RpcError | undefined
  /** What becomes of a transaction whose predecessor is missing. */
  readonly gaps: 'wait' | 'refused'
  /** What becomes of a transaction that pays less than the base fee. */
  readonly belowBaseFee: 'wait' | 'refused'
  /** Whether the balance has to cover everything of the sender's that waits in the pool, too. */
  readonly countsQueuedCost: boolean
  /** The lowest tip per gas that its pool takes. */
  readonly leastTip: bigint
}

const error = (message: string, code = -32000): RpcError => ({ code, message })

const GETH_REFUSALS: EvmClient['refusals'] = {
  undecodable: error('rlp: value size exceeds available input length'),
  signature: error('invalid sender'),
  'wrong chain': error('invalid sender: invalid chain id for signer'),
  'no chain': error('only replay-protected (EIP-155) transactions allowed over RPC'),
  'gas above block': error('exceeds block gas limit'),
  'gas too low': error('intrinsic gas too low'),
  'tip above fee': error('max priority fee per gas higher than max fee per gas'),
  'nonce too low': error('nonce too low'),
  'nonce too high': error('nonce too high'),
  'insufficient funds': error('insufficient funds for gas * price + value'),
  'fee below base fee': error('max fee per gas less than block base fee'),
  'sender is contract': error('sender not an eoa'),
  'already known': error('already known'),
  underpriced: error('transaction underpriced'),
  'replacement underpriced': error('replacement transaction underpriced'),
}

const geth: EvmClient = {
  name: 'geth',
  refusals: GETH_REFUSALS,
  // go-ethereum#20874: a full node keeps the states of 128 blocks, and then says this.
  stateGone: error('missing trie node ef7df5d88cb1614dc3f143879a653cd90717ee42e967c5fabbcd7505a968f314 (path )'),
  notFinalized: error('finalized block not found'),
  gaps: 'wait',
  belowBaseFee: 'wait',
  // go-ethereum `core/txpool/validation.go`: the pool's expenditure of the sender plus this one.
  countsQueuedCost: true,
  leastTip: 1n,
}

const nethermind: EvmClient = {
  ...geth,
  name: 'nethermind',
  refusals: {
    undecodable: error('Invalid RLP', -32602),
    signature: error('FailedToResolveSender', -32010),
    'wrong chain': error('Invalid', -32010),
    'no chain': error('Invalid', -32010),
    'gas above block': error('GasLimitExceeded', -32010),
    'gas too low': error('Invalid', -32010),
    'tip above fee': error('Invalid', -32010),
    'nonce too low': error('OldNonce', -32010),
    'nonce too high': error('NonceGap, Future nonce. Expected nonce: 0', -32010),
    'insufficient funds': error('InsufficientFunds', -32010),
    'fee below base fee': error('FeeTooLow', -32010),
    'sender is contract': error('SenderIsContract', -32010),
    'already known': error('AlreadyKnown', -32010),
    underpriced: error('FeeTooLowToCompete', -32010),
    // nethermind#4148: the refusal of a replacement has the words of a fee that is too low.
    'replacement underpriced': error('ReplacementNotAllowed', -32010),
  },
  // nethermind#9408
  stateGone: error('Internal error', -32603),
}

const besu: EvmClient = {
  ...geth,
  name: 'besu',
  refusals: {
    undecodable: error('Invalid params', -32602),
    signature: error('Invalid signature', -32002),
    'wrong chain': error('Wrong chainId', -32000),
    'gas above block': error('Transaction gas limit exceeds block gas limit', -32005),
    'gas too low': error('Intrinsic gas exceeds gas limit', -32003),
    'nonce too low': error('Nonce too low', -32001),
    'nonce too high': error('Transaction nonce is too distant from current sender nonce', -32006),
    'insufficient funds': error('Upfront cost exceeds account balance', -32004),
    'already known': error('Known transaction', -32000),
    underpriced: error('Gas price below configured minimum gas price', -32009),
    'replacement underpriced': error('Replacement transaction underpriced', -32000),
  },
  stateGone: error('World state unavailable', -32000),
  notFinalized: error('Unknown block', -39001),
}

const erigon: EvmClient = {
  ...geth,
  name: 'erigon',
  refusals: {
    ...GETH_REFUSALS,
    'already known': error('block already known'),
    'replacement underpriced': error('could not replace existing tx'),
    underpriced: error('underpriced'),
  },
  stateGone: error('old data not available due to pruning'),
  notFinalized: undefined,
}

const reth: EvmClient = {
  ...geth,
  name: 'reth',
  countsQueuedCost: false,
  refusals: {
    ...GETH_REFUSALS,
    'insufficient funds': error('insufficient funds for gas * price + value: have 0 want 1', -32003),
  },
  stateGone: error('state at block #0 is pruned'),
  notFinalized: error('block not found: finalized', -39001),
}

/** No mempool: what is early is refused, and only the time makes it right (nitro#1418). */
const arbitrum: EvmClient = {
  ...geth,
  name: 'arbitrum',
  refusals: {
    ...GETH_REFUSALS,
    'nonce too high': error('nonce too high: address 0x0000000000000000000000000000000000000000, tx: 1 state: 0'),
    'nonce too low': error('nonce too low: address 0x0000000000000000000000000000000000000000, tx: 0 state: 1'),
  },
  gaps: 'refused',
  belowBaseFee: 'refused',
  countsQueuedCost: false,
  leastTip: 0n,
}

/** Its pool wants 25 gwei (0xPolygon/launch#62). */
const bor: EvmClient = {
  ...geth,
  name: 'bor',
  refusals: {
    ...GETH_REFUSALS,
    underpriced: error('transaction underpriced: gas tip cap 1000000000, minimum needed 25000000000'),
  },
  leastTip: 25_000_000_000n,
}

/** As anvil 1.7.1 does; a test runs it beside a real one. */
export const anvil: EvmClient = {
  ...geth,
  name: 'anvil',
  refusals: {
    ...GETH_REFUSALS,
    undecodable: error('Failed to decode transaction', -32602),
    'wrong chain': error('invalid chain id for signer', -32003),
    'insufficient funds': error('Insufficient funds for gas * price + value', -32003),
    'already known': error('transaction already imported', -32003),
  },
  belowBaseFee: 'refused',
  countsQueuedCost: false,
  leastTip: 0n,
}

/** The clients that a seed draws from. Bor is left out where the tips are those of other networks. */
export const evmClients = { geth, nethermind, besu, erigon, reth, arbitrum, bor } as const

/** What nodes and gateways answer to a broadcast without regard to what became of the bytes. */
export const BROADCAST_WORDS: readonly RpcError[] = [
  ...Object.values(evmClients).flatMap(({ refusals }) => Object.values(refusals)),
  // erigon#10582, op-geth#209
  error('tx fee (1.05 ether) exceeds the configured cap (1.00 ether)'),
  error('txpool is full'),
  error('sequencer pending tx pool full, please try again'),
  error('transaction already finalized'),
  error('OwnNonceAlreadyUsed', -32010),
  error('Internal error', -32603),
  error('request timed out', -32016),
  error('something that no client says', -32099),
]

/** How gateways say in a body with status 200 that too much was asked (raindex#1662). */
export const THROTTLE_WORDS: readonly RpcError[] = [
  error('limit exceeded', -32005),
  error('Your app has exceeded its compute units per second capacity', 429),
  error('rate limit exceeded', -32097),
  error('Too many requests, please slow down', -32029),
  error('daily request count exceeded, request rate limited', -32005),
  error('project ID request rate exceeded', -32005),
  error('call rate limit exhausted, retry in 10s', -32090),
]

export const METHOD_MISSING = (method: string): RpcError =>
  error(`the method ${method} does not exist/is not available`, -32601)
