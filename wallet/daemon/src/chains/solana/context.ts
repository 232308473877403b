import type { Instruction } from '@solana/instructions'
import type { Asset, Network } from '@waiaas/core'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { SolanaLifetime } from './blockhash.ts'
import type { SolanaTraits } from './solana-traits.ts'

export type SolanaContext = {
  network: Network
  traits: SolanaTraits
  rpc: Pick<RpcPool, 'read' | 'onEach'>
  blockhash: () => Promise<RpcResult<SolanaLifetime>>
}

/** What a request comes to on Solana, before compute budget and lifetime. */
export type SolanaPrepared = {
  ok: true
  instructions: Instruction[]
  /** For display. */
  amount: bigint
  asset: Pick<Asset, 'symbol' | 'decimals' | 'multiplier'>
  to: string
  /** Whom the request pays coins: these have to be wallets. */
  wallets: string[]
}
