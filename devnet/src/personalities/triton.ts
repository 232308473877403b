import { agave } from './agave.ts'
import type { SolanaPersonality } from './solana-personality.ts'

/** Triton (rpcpool), which also runs the public endpoints. */
export const triton: SolanaPersonality = {
  ...agave,
  name: 'triton',
  throttling: [
    {
      status: 429,
      error: {
        code: 429,
        message: 'Too many requests for a specific RPC call, contact your app developer or support@rpcpool.com.',
      },
      source: 'solana-labs/solana-program-library#2784; milktoastlab/SolanaNFTBot#25',
    },
  ],
}

/** The public endpoints of solana.com: more words, and `Retry-After`. */
export const solanaPublic: SolanaPersonality = {
  ...triton,
  name: 'solanaPublic',
  throttling: [
    {
      status: 429,
      error: {
        code: 429,
        message:
          'Too many requests for a specific RPC call, please contact your app developer to further troubleshoot. If you are using an open endpoint, please consider signing up for your own subscription to avoid getting rate limited, you can find some suitable options at https://solana.com/rpc.',
      },
      retryAfterSeconds: 10,
      source: 'blocto/solana-go-sdk#107; solana-labs/solana#17064 for Retry-After',
    },
    ...triton.throttling,
  ],
}
