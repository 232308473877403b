import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

/** DRPC without an account: three calls in a batch, small positive numbers as codes, several nodes behind. */
export const drpc: EvmPersonality = {
  ...geth,
  name: 'drpc',
  batch: {
    limit: 3,
    refusal: {
      status: 500,
      error: {
        code: 31,
        message:
          'Batch of more than 3 requests are not allowed on free tier, to use this feature register paid account at drpc.org',
      },
      shape: 'list',
      source: 'reports of public clients that quote status, code and words; hemilabs/ui-monorepo#887',
      unconfirmed: true,
    },
    source: 'hemilabs/ui-monorepo#887',
  },
  throttling: [
    {
      status: 200,
      error: { code: 30, message: 'Request timeout on the free tier, please upgrade your tier to the paid one' },
      source: 'enviodev/hyperindex#715',
    },
    { status: 402, body: '', source: 'enviodev/hyperindex#715' },
    {
      status: 400,
      error: { code: 35, message: 'chain is not available on free plan, please upgrade to paid plan' },
      source: 'reports of public clients that quote the body',
      unconfirmed: true,
    },
  ],
}
