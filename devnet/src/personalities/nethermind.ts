import { type EvmPersonality, serverError as plain, type Words } from './evm-personality.ts'
import { geth } from './geth.ts'

const REPOSITORY = 'NethermindEth/nethermind src/Nethermind'
const RESULT = `${REPOSITORY}/Nethermind.TxPool/AcceptTxResult.cs`
const WORDS = `${RESULT}, TxPoolErrorMessages.cs`
const FILTERS = `${REPOSITORY}/Nethermind.TxPool/Filters`

/** Nethermind since it took geth's phrases for its own (2026). */
export const nethermind: EvmPersonality = {
  ...geth,
  name: 'nethermind',
  clientVersion: 'Nethermind/v1.36.0/linux-x64/dotnet10.0.1',
  says: {
    alreadyKnown: plain('already known', WORDS),
    nonceTooLow: plain(
      'nonce too low, Current nonce: {next}, nonce of rejected tx: {nonce}',
      `${WORDS}; ${FILTERS}/LowNonceFilter.cs`,
    ),
    replacementUnderpriced: plain('replacement transaction underpriced', WORDS),
    feeTooLow: plain('transaction underpriced', WORDS),
    insufficientFunds: plain(
      'insufficient funds for gas * price + value, Account balance: {balance}, cumulative cost: {cost}',
      `${WORDS}; ${FILTERS}/BalanceTooLowFilter.cs`,
    ),
    intrinsicGas: plain('transaction invalid, intrinsic gas too low', `${WORDS}; ${FILTERS}/MalformedTxFilter.cs`),
    gasLimitAboveBlock: plain(
      'gas limit reached, Gas limit: {gasLimit}, gas limit of rejected tx: {gas}',
      `${WORDS}; ${FILTERS}/GasLimitTxFilter.cs`,
    ),
    gasLimitAboveCap: plain(
      'gas limit reached, Tx gas limit cap: {gasCap}, gas limit of rejected tx: {gas}',
      `${WORDS}; ${FILTERS}/GasLimitTxFilter.cs`,
    ),
    poolFull: plain('transaction underpriced', WORDS),
    senderLimit: plain('nonce too far in future', `${WORDS}; ${FILTERS}/MaxPendingTxsPerSenderFilter.cs`),
    delegatedGap: plain('delegation nonce gap', `${WORDS}; ${FILTERS}/DelegatedAccountFilter.cs`),
    authorityReserved: plain('delegation authority has pending transaction', WORDS),
    invalidSignature: plain('failed to recover sender', WORDS),
    wrongChain: plain(
      'transaction invalid, InvalidTxChainId: Expected {chainId}, got {txChainId}.',
      `${WORDS}; ${REPOSITORY}/Nethermind.Core/Messages/TxErrorMessages.cs`,
    ),
    oversized: plain('transaction too large', WORDS),
    notAccepting: plain('node is syncing', WORDS),
    methodNotFound: {
      code: -32601,
      message: "The method '{method}' is not supported.",
      source: `${REPOSITORY}/Nethermind.JsonRpc/JsonRpcService.cs`,
    },
    stateMissing: {
      code: -32002,
      message: 'No state available for block {number}',
      source: `${REPOSITORY}/Nethermind.JsonRpc ErrorCodes.ResourceUnavailable, GetStateFailureResult`,
    },
  },
  pool: {
    ...geth.pool,
    minTip: 0n,
    feeCap: undefined,
    balance: 'alone',
    knownAfterMining: true,
    delegated: 'one',
    source: `${REPOSITORY}/Nethermind.TxPool/TxPoolConfig.cs, TxPool.cs, Comparison/CompareReplacedTxByFee.cs`,
  },
  missingMethods: {
    'debug_*': {
      code: -32600,
      message:
        "The method '{method}' is found but the namespace 'Debug' is disabled for n/a. Consider adding the namespace 'Debug' to JsonRpc.AdditionalRpcUrls for an additional URL, or to JsonRpc.EnabledModules for the default URL.",
      source: `${REPOSITORY}/Nethermind.JsonRpc/JsonRpcService.cs`,
    },
  },
  batch: { source: `${REPOSITORY}/Nethermind.JsonRpc: MaxBatchSize 1024 for unauthenticated callers; words not found` },
}

const rejected = (message: string, source = RESULT): Words => ({ code: -32010, message, source })

/** Nethermind as it spoke until 2025: names of its own, and a code of its own. */
export const nethermindOld: EvmPersonality = {
  ...nethermind,
  name: 'nethermindOld',
  clientVersion: 'Nethermind/v1.25.4+20b10b35/linux-x64/dotnet8.0.2',
  says: {
    alreadyKnown: rejected('AlreadyKnown'),
    nonceTooLow: rejected(
      'OldNonce, Current nonce: {next}, nonce of rejected tx: {nonce}',
      `${RESULT}; ${FILTERS}/LowNonceFilter.cs`,
    ),
    replacementUnderpriced: rejected('ReplacementNotAllowed'),
    feeTooLow: rejected('FeeTooLowToCompete'),
    insufficientFunds: rejected(
      'InsufficientFunds, Account balance: {balance}, cumulative cost: {cost}',
      `${RESULT}; ${FILTERS}/BalanceTooLowFilter.cs`,
    ),
    intrinsicGas: rejected(
      'Invalid, IntrinsicGasTooLow: gas limit is below intrinsic gas.',
      `${RESULT}; TxErrorMessages.cs`,
    ),
    gasLimitAboveBlock: rejected(
      'GasLimitExceeded, Gas limit: {gasLimit}, gas limit of rejected tx: {gas}',
      `${RESULT}; ${FILTERS}/GasLimitTxFilter.cs`,
    ),
    poolFull: rejected(
      'FeeTooLow, FeePerGas needs to be higher than {feeCap} to be added to the TxPool. Affordable FeePerGas of rejected tx: {feeCap}.',
      `${RESULT}; ${FILTERS}/FeeTooLowFilter.cs`,
    ),
    senderLimit: rejected('NonceTooFarInFuture'),
    invalidSignature: rejected('FailedToResolveSender'),
    wrongChain: rejected(
      'Invalid, InvalidTxChainId: expected {chainId}, got {txChainId}.',
      `${RESULT}; TxErrorMessages.cs`,
    ),
    stateMissing: nethermind.says.stateMissing,
  },
  pool: {
    ...nethermind.pool,
    replacement: { percent: 10n, compares: 'paid', rounds: 'down' },
    maxGas: undefined,
    delegated: undefined,
    source: `${REPOSITORY}/Nethermind.TxPool/Comparison/CompareReplacedTxByFee.cs (by GasBottleneck)`,
  },
}
