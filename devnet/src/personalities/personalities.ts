import { agave, agaveWithoutHistory } from './agave.ts'
import { alchemy } from './alchemy.ts'
import { ankr } from './ankr.ts'
import { besu } from './besu.ts'
import { bor } from './bor.ts'
import { bsc } from './bsc.ts'
import { cloudflare } from './cloudflare.ts'
import { drpc } from './drpc.ts'
import { erigon } from './erigon.ts'
import { geth } from './geth.ts'
import { helius } from './helius.ts'
import { infura } from './infura.ts'
import { mevBlocker } from './mev-blocker.ts'
import { nethermind, nethermindOld } from './nethermind.ts'
import { nitro } from './nitro.ts'
import { opGeth } from './op-geth.ts'
import { proxyd } from './proxyd.ts'
import { publicnode } from './publicnode.ts'
import { quicknode } from './quicknode.ts'
import { quicknodeSolana } from './quicknode-solana.ts'
import { reth } from './reth.ts'
import { solanaPublic, triton } from './triton.ts'

/** Every EVM client and gateway that is known here. A further one is a file and a line. */
export const evmPersonalities = {
  geth,
  erigon,
  nethermind,
  nethermindOld,
  besu,
  reth,
  bor,
  bsc,
  opGeth,
  nitro,
  alchemy,
  infura,
  quicknode,
  ankr,
  publicnode,
  cloudflare,
  drpc,
  proxyd,
  mevBlocker,
} as const

/** Every kind of Solana node and gateway that is known here. */
export const solanaPersonalities = {
  agave,
  agaveWithoutHistory,
  helius,
  quicknodeSolana,
  triton,
  solanaPublic,
} as const
