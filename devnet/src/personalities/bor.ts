import { type EvmPersonality, serverError } from './evm-personality.ts'
import { geth } from './geth.ts'

const REPOSITORY = 'maticnetwork/bor'

/** Bor, Polygon's client: geth of early 2025 with a tip of at least 25 gwei. Its `finalized` needs milestones. */
export const bor: EvmPersonality = {
  ...geth,
  name: 'bor',
  clientVersion: 'bor/v2.2.8/linux-amd64/go1.24.4',
  says: {
    ...geth.says,
    gasLimitAboveCap: undefined,
    stateMissing: serverError(
      'missing trie node {root} (path ) state 0x{root} is not available, not found',
      `${REPOSITORY} trie/errors.go, triedb/hashdb/database.go`,
    ),
    bodyMissing: undefined,
  },
  pool: {
    ...geth.pool,
    minTip: 25n * 10n ** 9n,
    maxGas: undefined,
    source: `${REPOSITORY} core/txpool/legacypool/legacypool.go, params BorDefaultTxPoolPriceLimit`,
  },
}
