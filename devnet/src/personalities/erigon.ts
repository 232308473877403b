import { type EvmPersonality, serverError as plain } from './evm-personality.ts'
import { geth } from './geth.ts'

const SEND = 'erigontech/erigon rpc/jsonrpc/send_transaction.go'
const REASONS = 'erigontech/erigon txnprovider/txpool/txpoolcfg/txpoolcfg.go'
const POOL = `${REASONS}, pool.go; the prefix: mapDiscardReasonToProto, ${SEND}`

/** Erigon: each refusal has the name of a result of its pool's gRPC interface before it. */
export const erigon: EvmPersonality = {
  ...geth,
  name: 'erigon',
  clientVersion: 'erigon/3.1.0/linux-amd64/go1.24.5',
  says: {
    alreadyKnown: plain('ALREADY_EXISTS: already known', POOL),
    nonceTooLow: plain('INTERNAL_ERROR: nonce too low', POOL),
    replacementUnderpriced: plain('INTERNAL_ERROR: could not replace existing tx', POOL),
    tipTooLow: plain('FEE_TOO_LOW: underpriced', POOL),
    feeTooLow: plain('FEE_TOO_LOW: fee too low', POOL),
    insufficientFunds: plain('INTERNAL_ERROR: insufficient funds', POOL),
    intrinsicGas: plain('INTERNAL_ERROR: IntrinsicGas', POOL),
    gasLimitAboveBlock: plain('INTERNAL_ERROR: gas limit is too high', POOL),
    feeAboveCap: plain('tx fee ({feeEther} ether) exceeds the configured cap ({capEther} ether)', SEND),
    poolFull: plain('INTERNAL_ERROR: pending sub-pool is full', POOL),
    senderLimit: plain('INTERNAL_ERROR: spammer', POOL),
    authorityReserved: plain('INTERNAL_ERROR: EIP-7702 transaction with authority already reserved', POOL),
    invalidSignature: plain('INVALID: invalid sender', POOL),
    wrongChain: plain('invalid chain id, expected: {chainId} got: {txChainId}', SEND),
    unprotected: plain('only replay-protected (EIP-155) transactions allowed over RPC', SEND),
    oversized: plain('INVALID: RLPTooLong', POOL),
    methodNotFound: {
      code: -32601,
      message: 'the method {method} does not exist/is not available',
      source: 'erigontech/erigon rpc/errors.go',
    },
    reverted: { code: 3, message: 'execution reverted{colonReason}', source: 'erigontech/erigon rpc/ethapi errors' },
  },
  pool: {
    ...geth.pool,
    minTip: 1n,
    maxGas: undefined,
    balance: 'alone',
    delegated: undefined,
    source: `${REASONS} DefaultConfig; pool.go addLocked`,
  },
  // It keeps all states unless pruned.
  stateBlocks: undefined,
  batch: {
    limit: 100,
    refusal: {
      status: 200,
      error: {
        code: -32000,
        message: 'batch limit 100 exceeded (can increase by --rpc.batch.limit). Requested batch of size: {calls}',
      },
      idless: true,
      source: 'erigontech/erigon rpc/server.go; erigon#7090',
    },
    source: 'erigon#7090',
  },
}
