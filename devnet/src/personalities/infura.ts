import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

const rate = { allowed_rps: 5, backoff_seconds: 30, current_rps: 5.2 }

/** Infura: throttling by 429 and -32005 with a pause in the data; one error of a batch is the answer to all of it. */
export const infura: EvmPersonality = {
  ...geth,
  name: 'infura',
  batch: {
    oneErrorForAll: true,
    source: 'ethereum-optimism/optimism proxyd/backend.go ErrBackendUnexpectedJSONRPC',
  },
  throttling: [
    {
      status: 429,
      error: {
        code: -32005,
        message: 'exceeded project rate limit',
        data: { rate, see: 'https://infura.io/dashboard' },
      },
      source: 'status-im/status-go#4807',
    },
    {
      status: 429,
      error: {
        code: -32005,
        message: 'daily request count exceeded, request rate limited',
        data: { rate: { ...rate, backoff_seconds: 0 }, see: 'https://infura.io/dashboard' },
      },
      source: 'gochain/web3#180; MetaMask/eth-json-rpc-infura#33',
    },
  ],
}
