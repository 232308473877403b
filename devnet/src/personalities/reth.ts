import type { EvmPersonality, Words } from './evm-personality.ts'
import { geth } from './geth.ts'

const ERRORS = 'paradigmxyz/reth crates/rpc/rpc-eth-types/src/error/mod.rs'
const POOL_ERRORS = `${ERRORS}, crates/transaction-pool/src/error.rs`
/** The numbers of alloy-rpc-types-eth EthRpcErrorCode, which are those of EIP-1474. */
const input = (message: string, source = ERRORS): Words => ({ code: -32000, message, source })
const rejected = (message: string, source = ERRORS): Words => ({ code: -32003, message, source })

const METHOD_NOT_FOUND: Words = {
  code: -32601,
  message: 'Method not found',
  source: 'paritytech/jsonrpsee types/src/error.rs; paradigmxyz/reth crates/rpc/rpc-server-types/src/module.rs',
}

/** Reth: close to geth's words, with other codes, and wei where geth says ether. */
export const reth: EvmPersonality = {
  ...geth,
  name: 'reth',
  clientVersion: 'reth/v2.5.1-9c30bf7/x86_64-unknown-linux-gnu',
  says: {
    alreadyKnown: input('already known'),
    nonceTooLow: input('nonce too low: next nonce {next}, tx nonce {nonce}'),
    replacementUnderpriced: input('replacement transaction underpriced'),
    feeTooLow: input('transaction underpriced'),
    tipAboveFeeCap: rejected('max priority fee per gas higher than max fee per gas'),
    insufficientFunds: rejected('insufficient funds for gas * price + value: have {balance} want {cost}'),
    intrinsicGas: input('intrinsic gas too low'),
    gasLimitAboveBlock: input('exceeds block gas limit'),
    gasLimitAboveCap: input('exceeds max transaction gas limit'),
    feeAboveCap: input('tx fee ({fee} wei) exceeds the configured cap ({cap} wei)'),
    poolFull: rejected('txpool is full'),
    senderLimit: rejected('txpool is full'),
    delegatedLimit: input('in-flight transaction limit reached for delegated accounts', POOL_ERRORS),
    delegatedGap: input('gapped-nonce tx from delegated accounts', POOL_ERRORS),
    authorityReserved: input('authority already reserved', POOL_ERRORS),
    addressReserved: input('address already reserved'),
    invalidSignature: { code: -32602, message: 'invalid transaction signature', source: ERRORS },
    wrongChain: input('invalid chain ID'),
    oversized: input('oversized data: transaction size {size}, limit {sizeLimit}'),
    methodNotFound: METHOD_NOT_FOUND,
    unknownBlock: { code: -32001, message: 'block not found: {block}', source: ERRORS },
    stateMissing: {
      code: -32603,
      message: 'state at block #{number} is pruned',
      source: 'paradigmxyz/reth crates/storage/errors/src/provider.rs',
    },
    bodyMissing: {
      code: 4444,
      message: 'pruned history unavailable: requested {number}, earliest available {first}',
      source: ERRORS,
    },
    reverted: { code: 3, message: 'execution reverted{colonReason}', source: ERRORS },
    gasAllowance: input('gas required exceeds allowance ({gas})'),
  },
  pool: {
    ...geth.pool,
    replacement: { percent: 10n, compares: 'both', rounds: 'up' },
    minTip: 0n,
    balance: 'alone',
    source: 'paradigmxyz/reth crates/transaction-pool/src/config.rs, validate/mod.rs, validate/constants.rs',
  },
  missingMethods: { 'debug_*': METHOD_NOT_FOUND, 'txpool_*': METHOD_NOT_FOUND },
  // A full node keeps 10,064 blocks of state, an archive all: more than a test makes.
  stateBlocks: undefined,
  batch: { source: 'paritytech/jsonrpsee server BatchRequestConfig::Unlimited' },
}
