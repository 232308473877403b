import type { EvmPersonality } from './evm-personality.ts'
import { opGeth } from './op-geth.ts'

const SOURCE = 'ethereum-optimism/infra proxyd/backend.go'

const NOT_LISTED = { code: -32001, message: 'rpc method is not whitelisted', source: SOURCE }

/** Proxyd before op-geth, as the public endpoints of OP chains run it. */
export const proxyd: EvmPersonality = {
  ...opGeth,
  name: 'proxyd',
  says: {
    ...opGeth.says,
    methodNotFound: NOT_LISTED,
  },
  // The operator lists the methods; these are often left out.
  missingMethods: { 'debug_*': NOT_LISTED, 'txpool_*': NOT_LISTED, eth_simulateV1: NOT_LISTED },
  batch: {
    limit: 10,
    refusal: {
      status: 200,
      error: { code: -32014, message: 'too many RPC calls in batch request' },
      idless: true,
      source: `${SOURCE} ErrTooManyBatchRequests`,
    },
    source: `${SOURCE}; the limit is the operator's`,
  },
  throttling: [
    { status: 429, error: { code: -32016, message: 'over rate limit' }, source: SOURCE },
    { status: 429, error: { code: -32017, message: 'sender is over rate limit' }, source: SOURCE },
    { status: 429, error: { code: -32012, message: 'backend is over capacity' }, source: SOURCE },
    { status: 503, error: { code: -32011, message: 'no backends available for method' }, source: SOURCE },
    {
      status: 503,
      error: { code: -32018, message: 'backend is currently not healthy to serve traffic' },
      source: SOURCE,
    },
    { status: 504, error: { code: -32015, message: 'gateway timeout' }, source: SOURCE },
    {
      status: 200,
      error: { code: -32000, message: 'This request has been rate limited.' },
      source: 'ethereum-optimism/optimism#2642',
    },
  ],
}
