import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

/** Alchemy: geth's words, throttling by status 429 with the code 429 in the body. */
export const alchemy: EvmPersonality = {
  ...geth,
  name: 'alchemy',
  throttling: [
    {
      status: 429,
      error: {
        code: 429,
        message:
          'Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely ignore this message. If not, check out https://docs.alchemy.com/reference/throughput',
      },
      source: 'conduitxyz/node#36; Synthetixio/kwenta#40',
    },
    {
      status: 200,
      error: {
        code: 429,
        message:
          'Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely ignore this message. If not, check out https://docs.alchemy.com/reference/throughput',
      },
      source: 'gitcoinco/grants-stack-indexer#156',
    },
    {
      status: 200,
      error: { code: -32016, message: 'Your app has exceeded its rate limit' },
      source: 'foundry-rs/foundry and alloy-rs/alloy: the rules for repeating throttled requests',
      unconfirmed: true,
    },
    {
      status: 403,
      error: {
        code: -32600,
        message:
          'Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/settings/billing to upgrade your scaling policy for continued service.',
      },
      source: 'xmtp/xmtpd#672; BuidlGuidl/hacked-wallet-recovery#45',
    },
  ],
}
