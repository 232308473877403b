import { type EvmPersonality, serverError } from './evm-personality.ts'
import { geth } from './geth.ts'

const REPOSITORY = 'bnb-chain/bsc'

/** BSC: geth with larger pools. Receipts without a price are reported (bsc#1980): act `receiptsWithoutPrice`. */
export const bsc: EvmPersonality = {
  ...geth,
  name: 'bsc',
  clientVersion: 'Geth/v1.7.3-3cf90434/linux-amd64/go1.25.1',
  says: {
    ...geth.says,
    notAccepting: serverError('sender or to in black list', `${REPOSITORY} core/txpool/errors.go`),
    stateMissing: serverError(
      'missing trie node {root} (path ) state 0x{root} is not available, not found',
      `${REPOSITORY} trie/errors.go, triedb/hashdb/database.go`,
    ),
  },
  pool: { ...geth.pool, source: `${REPOSITORY} core/txpool/legacypool/legacypool.go DefaultConfig` },
}
