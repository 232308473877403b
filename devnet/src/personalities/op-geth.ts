import { type EvmPersonality, serverError } from './evm-personality.ts'
import { geth } from './geth.ts'

const REPOSITORY = 'ethereum-optimism/op-geth'

/** Op-geth of the end of 2024: a tip below the minimum is "underpriced", and there is no EIP-7702. */
export const opGeth: EvmPersonality = {
  ...geth,
  name: 'opGeth',
  clientVersion: 'Geth/v1.101411.0-stable/linux-amd64/go1.22.8',
  says: {
    ...geth.says,
    tipTooLow: serverError(
      'transaction underpriced: gas tip cap {tip}, minimum needed {minTip}',
      `${REPOSITORY} core/txpool/errors.go, validation.go`,
    ),
    floorDataGas: undefined,
    gasLimitAboveCap: undefined,
    delegatedLimit: undefined,
    delegatedGap: undefined,
    authorityReserved: undefined,
    bodyMissing: undefined,
    stateMissing: serverError(
      'missing trie node {root} (path ) state 0x{root} is not available, not found',
      `${REPOSITORY} trie/errors.go, triedb/hashdb/database.go`,
    ),
  },
  pool: {
    ...geth.pool,
    maxGas: undefined,
    delegated: undefined,
    // GasPriceOracle of the OP Stack.
    dataFeeOracle: '0x420000000000000000000000000000000000000F',
    source:
      `${REPOSITORY} core/txpool/legacypool/legacypool.go DefaultConfig, eth/ethconfig/config.go; ` +
      'core/txpool/validation.go ValidateTransactionWithState (L1CostFn); op-geth#558',
  },
}
