import { type EvmPersonality, serverError as plain } from './evm-personality.ts'
import { geth } from './geth.ts'

const CHECKER = 'OffchainLabs/nitro execution/gethexec/tx_pre_checker.go'
const SEQUENCER = 'OffchainLabs/nitro execution/gethexec/sequencer.go'

/**
 * Arbitrum: the sequencer keeps no pool. What it takes is in a block; nothing can be replaced; a nonce too high waits a
 * second for its predecessor, which may only be late (nitro#1418).
 */
export const nitro: EvmPersonality = {
  ...geth,
  name: 'nitro',
  clientVersion: 'nitro/v3.9.9-rc.3-6dce8d1/linux-amd64/go1.25.1',
  says: {
    nonceTooLow: plain('nonce too low: address {sender}, tx: {nonce} state: {next}', CHECKER),
    nonceTooHigh: plain('nonce too high: address {sender}, tx: {nonce} state: {next}', `${CHECKER}; ${SEQUENCER}`),
    feeCapBelowBaseFee: plain(
      'max fee per gas less than block base fee: address {sender}, maxFeePerGas: {feeCap} baseFee: {baseFee}',
      CHECKER,
    ),
    insufficientFunds: plain(
      'insufficient funds for gas * price + value: address {sender} have {balance} want {cost}',
      CHECKER,
    ),
    intrinsicGas: plain('intrinsic gas too low', CHECKER),
    wrongChain: geth.says.wrongChain,
    oversized: plain('oversized data', SEQUENCER),
    poolDisabled: plain(
      'publishing transactions not supported by this endpoint',
      'OffchainLabs/nitro execution/gethexec/forwarder.go',
    ),
    notAccepting: plain('sequencer temporarily not available', SEQUENCER),
    poolFull: plain(
      'failed to publish transaction to any of the forwarding targets',
      'OffchainLabs/nitro execution/gethexec/forwarder.go',
    ),
    methodNotFound: geth.says.methodNotFound,
    unknownBlock: geth.says.unknownBlock,
    reverted: geth.says.reverted,
    gasAllowance: geth.says.gasAllowance,
  },
  pool: {
    replacement: 'never',
    minTip: 0n,
    nonceGap: 'refused',
    waitsForPredecessorMs: 1_000,
    feeCapBelowBaseFee: 'refused',
    maxBytes: 95_000,
    balance: 'alone',
    source: `${CHECKER}; ${SEQUENCER} DefaultSequencerConfig`,
  },
}
