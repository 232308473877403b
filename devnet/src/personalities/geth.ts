import { type EvmPersonality, serverError as plain, type Words } from './evm-personality.ts'

const REPOSITORY = 'ethereum/go-ethereum'
const POOL = `${REPOSITORY} core/txpool/errors.go`
const STATE = `${REPOSITORY} core/error.go, core/txpool/validation.go`
const LEGACY_POOL = `${REPOSITORY} core/txpool/legacypool/legacypool.go`
const BACKEND = `${REPOSITORY} eth/api_backend.go`
const API = `${REPOSITORY} internal/ethapi/api.go`

const METHOD_NOT_FOUND: Words = {
  code: -32601,
  message: 'the method {method} does not exist/is not available',
  source: `${REPOSITORY} rpc/errors.go; over HTTP there are net, web3 and eth: node/defaults.go`,
}

/** go-ethereum. Errors without a code of their own get -32000: rpc/errors.go errcodeDefault. */
export const geth: EvmPersonality = {
  name: 'geth',
  chain: 'evm',
  clientVersion: 'Geth/v1.16.7-stable/linux-amd64/go1.25.1',
  says: {
    alreadyKnown: plain('already known', POOL),
    nonceTooLow: plain('nonce too low: next nonce {next}, tx nonce {nonce}', STATE),
    replacementUnderpriced: plain('replacement transaction underpriced', POOL),
    tipTooLow: plain(
      'transaction gas price below minimum: gas tip cap {tip}, minimum needed {minTip}',
      `${REPOSITORY} core/txpool/errors.go, core/txpool/validation.go`,
    ),
    feeTooLow: plain('transaction underpriced', POOL),
    tipAboveFeeCap: plain('max priority fee per gas higher than max fee per gas', STATE),
    insufficientFunds: plain(
      'insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {overshot}',
      STATE,
    ),
    insufficientFundsQueued: plain(
      'insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {overshot}',
      STATE,
    ),
    intrinsicGas: plain('intrinsic gas too low: gas {gas}, minimum needed {needed}', STATE),
    floorDataGas: plain('insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}', STATE),
    gasLimitAboveBlock: plain('exceeds block gas limit', POOL),
    gasLimitAboveCap: plain('transaction gas limit too high (cap: {gasCap}, tx: {gas})', STATE),
    feeAboveCap: plain('tx fee ({feeEther} ether) exceeds the configured cap ({capEther} ether)', API),
    poolFull: plain('txpool is full', LEGACY_POOL),
    senderLimit: plain('account limit exceeded', POOL),
    delegatedLimit: plain('in-flight transaction limit reached for delegated accounts', POOL),
    delegatedGap: plain('gapped-nonce tx from delegated accounts', LEGACY_POOL),
    authorityReserved: plain('authority already reserved', LEGACY_POOL),
    addressReserved: plain('address already reserved', POOL),
    invalidSignature: plain('invalid sender: invalid transaction v, r, s values', `${POOL}, core/types/transaction.go`),
    wrongChain: plain(
      'invalid sender: invalid chain id for signer: have {txChainId} want {chainId}',
      `${REPOSITORY} core/types/transaction_signing.go`,
    ),
    unprotected: plain('only replay-protected (EIP-155) transactions allowed over RPC', API),
    oversized: plain('oversized data: transaction size {size}, limit {sizeLimit}', STATE),
    methodNotFound: METHOD_NOT_FOUND,
    unknownBlock: plain('header not found', BACKEND),
    pendingMissing: plain('pending block is not available', BACKEND),
    finalizedMissing: plain('finalized block not found', BACKEND),
    safeMissing: plain('safe block not found', BACKEND),
    stateMissing: plain('historical state {root} is not available', `${REPOSITORY} core/state/database_history.go`),
    bodyMissing: {
      code: 4444,
      message: 'pruned history unavailable',
      source: `${REPOSITORY} core/history/historymode.go`,
    },
    indexing: {
      code: -32000,
      message: 'transaction indexing is in progress',
      data: 'transaction indexing is in progress',
      source: `${REPOSITORY} internal/ethapi/errors.go`,
    },
    reverted: {
      code: 3,
      message: 'execution reverted{colonReason}',
      source: `${REPOSITORY} internal/ethapi/errors.go`,
    },
    gasAllowance: plain('gas required exceeds allowance ({gas})', `${REPOSITORY} eth/gasestimator/gasestimator.go`),
  },
  pool: {
    replacement: { percent: 10n, compares: 'both', rounds: 'down' },
    minTip: 1n,
    nonceGap: 'queued',
    feeCapBelowBaseFee: 'queued',
    feeCap: 10n ** 18n,
    maxBytes: 128 * 1024,
    maxGas: 1n << 24n,
    balance: 'withQueued',
    delegated: 'replaceable',
    source: `${LEGACY_POOL} DefaultConfig, checkDelegationLimit; eth/ethconfig/config.go RPCTxFeeCap; params MaxTxGas`,
  },
  missingMethods: { 'debug_*': METHOD_NOT_FOUND, 'txpool_*': METHOD_NOT_FOUND },
  stateBlocks: 128,
  batch: {
    limit: 1000,
    refusal: {
      status: 200,
      error: { code: -32600, message: 'batch too large' },
      shape: 'list',
      source: `${REPOSITORY} rpc/handler.go respondWithBatchTooLarge`,
    },
    source: `${REPOSITORY} node/defaults.go BatchRequestLimit`,
  },
  throttling: [],
}
