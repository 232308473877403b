import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

/** Ankr, which also runs public endpoints for Polygon and others. */
export const ankr: EvmPersonality = {
  ...geth,
  name: 'ankr',
  batch: {
    limit: 1000,
    refusal: {
      status: 200,
      error: { code: -32600, message: 'batch too large' },
      shape: 'list',
      source: 'geth behind it; the limit: safe-global/safe-eth-py#303',
      unconfirmed: true,
    },
    source: 'safe-global/safe-eth-py#303',
  },
  throttling: [
    {
      status: 429,
      error: { code: -32090, message: 'Too many requests, reason: call rate limit exhausted, retry in 10s' },
      source: 'reports of public clients that quote the body; connext/monorepo#2710 for the status',
      unconfirmed: true,
    },
    {
      status: 200,
      error: { code: -32090, message: 'Too many requests, reason: call rate limit exhausted, retry in 10m0s' },
      source: 'reports of public clients that quote the error',
      unconfirmed: true,
    },
    {
      status: 403,
      error: {
        code: -32000,
        message: 'Unauthorized: You must authenticate your request with an API key.',
      },
      source: 'a report of a failover proxy that quotes the beginning',
      unconfirmed: true,
    },
  ],
}
