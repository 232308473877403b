import { agave } from './agave.ts'
import type { SolanaPersonality } from './solana-personality.ts'

const SOURCE = 'reports of public clients that quote status, code and words'

/** Helius on its free plan: no batches. */
export const helius: SolanaPersonality = {
  ...agave,
  name: 'helius',
  batch: {
    limit: 0,
    refusal: {
      status: 403,
      error: {
        code: -32403,
        message: 'Batch requests are only available for paid plans. Please upgrade if you would like to gain access',
      },
      idless: true,
      source: SOURCE,
      unconfirmed: true,
    },
    source: SOURCE,
  },
  throttling: [
    {
      status: 429,
      error: { code: -32429, message: 'rate limited' },
      source: `${SOURCE}; jup-ag/metis-binary#33`,
      unconfirmed: true,
    },
    {
      status: 429,
      error: { code: -32429, message: 'max usage reached' },
      source: `${SOURCE}; cryptoloutre/solana-tools#5`,
    },
  ],
}
