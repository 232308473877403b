import type { Words } from './evm-personality.ts'
import type { SolanaPersonality } from './solana-personality.ts'

const ERRORS = 'anza-xyz/agave rpc-client-api/src/custom_error.rs'
const words = (code: number, message: string, data?: unknown, source = ERRORS): Words => ({
  code,
  message,
  ...(data === undefined ? {} : { data }),
  source,
})

/** Agave with transaction history, asked directly. */
export const agave: SolanaPersonality = {
  name: 'agave',
  chain: 'solana',
  says: {
    blockCleanedUp: words(-32001, 'Block {slot} cleaned up, does not exist on node. First available block: {first}'),
    preflightFailure: words(-32002, 'Transaction simulation failed: {reason}', undefined, `${ERRORS}, rpc/src/rpc.rs`),
    blockhashNotFound: words(
      -32002,
      'Transaction simulation failed: Blockhash not found',
      undefined,
      `${ERRORS}; anza-xyz/solana-sdk transaction-error/src/lib.rs`,
    ),
    alreadyProcessed: words(
      -32002,
      'Transaction simulation failed: This transaction has already been processed',
      undefined,
      `${ERRORS}; anza-xyz/solana-sdk transaction-error/src/lib.rs`,
    ),
    signatureVerification: words(-32003, 'Transaction signature verification failure'),
    blockNotAvailable: words(-32004, 'Block not available for slot {slot}'),
    nodeBehind: words(-32005, 'Node is behind by {behind} slots', { numSlotsBehind: '{behind}' }),
    nodeUnhealthy: words(-32005, 'Node is unhealthy', { numSlotsBehind: null }),
    slotSkipped: words(-32007, 'Slot {slot} was skipped, or missing due to ledger jump to recent snapshot'),
    longTermStorageSlotSkipped: words(-32009, 'Slot {slot} was skipped, or missing in long-term storage'),
    historyNotAvailable: words(-32011, 'Transaction history is not available from this node'),
    signatureLength: words(-32013, 'Transaction signature length mismatch'),
    blockStatusNotAvailable: words(-32014, 'Block status not yet available for slot {slot}'),
    unsupportedVersion: words(
      -32015,
      'Transaction version ({version}) is not supported by the requesting client. Please try the request again with the following configuration parameter: "maxSupportedTransactionVersion": {version}',
    ),
    minContextSlot: words(-32016, 'Minimum context slot has not been reached', { contextSlot: '{slot}' }),
    longTermStorageUnreachable: words(
      -32019,
      'Failed to query long-term storage; please try again',
      undefined,
      'anza-xyz/agave rpc/src/rpc.rs LongTermStorageUnreachable; the words: anza-xyz/kit packages/errors/src/messages.ts',
    ),
    methodNotFound: {
      code: -32601,
      message: 'Method not found',
      source: 'paritytech/jsonrpc core/src/types/error.rs, which anza-xyz/agave rpc/src/rpc_service.rs serves with',
    },
  },
  history: true,
  refusesWhenUnhealthy: true,
  batch: { source: 'anza-xyz/agave rpc/src/rpc_service.rs: no limit but that of the body' },
  throttling: [],
}

/** Agave as it runs without `--enable-rpc-transaction-history`: statuses of the last blocks, and no transactions. */
export const agaveWithoutHistory: SolanaPersonality = { ...agave, name: 'agaveWithoutHistory', history: false }
