import type { EvmPersonality, Words } from './evm-personality.ts'
import { geth } from './geth.ts'

const API = 'hyperledger/besu ethereum/api/src/main/java/org/hyperledger/besu/ethereum/api'
const TYPES = `${API}/jsonrpc/internal/response/RpcErrorType.java`
const POOL = 'hyperledger/besu ethereum/eth/src/main/java/org/hyperledger/besu/ethereum/eth/transactions'
const words = (code: number, message: string): Words => ({ code, message, source: TYPES })

/**
 * Besu: fixed sentences with codes of its own. Its pool takes what the account cannot pay for, and its fee cap is
 * compared with the price of gas.
 */
export const besu: EvmPersonality = {
  ...geth,
  name: 'besu',
  clientVersion: 'besu/v26.3.0/linux-x86_64/openjdk-java-21',
  says: {
    alreadyKnown: words(-32000, 'Known transaction'),
    nonceTooLow: words(-32001, 'Nonce too low'),
    nonceTooHigh: words(-32000, 'Transaction nonce is too distant from current sender nonce'),
    replacementUnderpriced: words(-32000, 'Replacement transaction underpriced'),
    feeTooLow: words(-32009, 'Gas price below configured minimum gas price'),
    feeCapBelowBaseFee: words(-32009, 'Gas price below current base fee'),
    tipAboveFeeCap: words(-32000, 'Max priority fee per gas exceeds max fee per gas'),
    insufficientFunds: words(-32004, 'Upfront cost exceeds account balance'),
    intrinsicGas: words(-32003, 'Intrinsic gas exceeds gas limit'),
    gasLimitAboveBlock: words(-32005, 'Transaction gas limit exceeds block gas limit'),
    gasLimitAboveCap: words(-32005, 'Transaction gas limit cap exceeded'),
    feeAboveCap: words(-32000, 'Transaction fee cap exceeded'),
    invalidSignature: words(-32602, 'Invalid block param (block not found)'),
    wrongChain: words(-32000, 'Wrong chainId'),
    unprotected: words(-32000, 'ChainId is required'),
    poolDisabled: words(
      -32002,
      'Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).',
    ),
    notAccepting: words(-32008, 'Initial sync is still in progress'),
    methodNotFound: words(-32601, 'Method not found'),
    finalizedMissing: words(-39001, 'Unknown block'),
    safeMissing: words(-39001, 'Unknown block'),
    stateMissing: words(-32000, 'World state unavailable'),
    bodyMissing: words(4444, 'Pruned history unavailable'),
    reverted: words(3, 'Execution reverted'),
  },
  pool: {
    ...geth.pool,
    replacement: { percent: 10n, compares: 'paid', rounds: 'up' },
    minTip: 0n,
    nonceGap: 199,
    feeCap: undefined,
    maxBytes: Number.MAX_SAFE_INTEGER,
    balance: 'unchecked',
    delegated: undefined,
    source: `${POOL}/TransactionPoolConfiguration.java, TransactionPool.java, layered/LayeredPendingTransactions.java, TransactionReplacementByFeeMarketRule.java`,
  },
  missingMethods: {
    'debug_*': words(-32604, 'Method not enabled'),
    'txpool_*': words(-32604, 'Method not enabled'),
  },
  stateBlocks: 512,
  batch: {
    limit: 1024,
    refusal: {
      status: 200,
      error: { code: -32005, message: 'Number of requests exceeds max batch size' },
      idless: true,
      source: `${API}/handlers/JsonRpcArrayExecutor.java`,
    },
    source: `${API}/jsonrpc/JsonRpcConfiguration.java DEFAULT_MAX_BATCH_SIZE`,
  },
}
