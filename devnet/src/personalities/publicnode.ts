import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

const SOURCE = 'reports of public clients that quote status, code and words'

/** PublicNode (Allnodes): whatever is older than some blocks needs a token. */
export const publicnode: EvmPersonality = {
  ...geth,
  name: 'publicnode',
  says: {
    ...geth.says,
    stateMissing: {
      code: -32602,
      message: 'Archive requests require a personal token. Get one at: https://www.allnodes.com/publicnode',
      source: SOURCE,
      unconfirmed: true,
    },
  },
  throttling: [
    {
      status: 403,
      error: {
        code: -32602,
        message: 'Archive requests require a personal token. Get one at: https://www.allnodes.com/publicnode',
      },
      source: SOURCE,
      unconfirmed: true,
    },
    {
      status: 200,
      error: {
        code: -32701,
        message:
          'Please specify an address in your request or, to remove restrictions, order a dedicated full node here: https://www.allnodes.com/eth/host',
      },
      source: SOURCE,
      unconfirmed: true,
    },
  ],
}
