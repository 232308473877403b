import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

/** Cloudflare's gateway: nothing older than 128 blocks, and often "Cannot fulfill request". */
export const cloudflare: EvmPersonality = {
  ...geth,
  name: 'cloudflare',
  says: {
    ...geth.says,
    stateMissing: {
      code: -32600,
      message: 'Invalid Request. Requested data is older than 128 blocks.',
      source: 'ethers-io/ethers.js#841; status-im/status-legacy#9633 for geth behind it',
    },
  },
  throttling: [
    {
      status: 200,
      error: { code: -32046, message: 'Cannot fulfill request' },
      source: 'reports of public clients that quote code and words',
      unconfirmed: true,
    },
  ],
}
