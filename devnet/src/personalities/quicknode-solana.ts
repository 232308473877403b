import { agave } from './agave.ts'
import { quicknodeThrottling } from './quicknode.ts'
import type { SolanaPersonality } from './solana-personality.ts'

/** QuickNode on Solana. Its code for throttling, -32007, is Agave's code for a skipped slot. */
export const quicknodeSolana: SolanaPersonality = {
  ...agave,
  name: 'quicknodeSolana',
  throttling: quicknodeThrottling,
}
