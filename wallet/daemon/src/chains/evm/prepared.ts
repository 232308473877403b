import type { Asset } from '@waiaas/core'

/** A call before gas and nonce. */
export type EvmCall = { to: `0x${string}`; value: bigint; data: `0x${string}` }

/** What a request comes to on an EVM network, before gas and nonce. */
export type EvmPrepared = {
  ok: true
  call: EvmCall
  /** For display. */
  amount: bigint
  asset: Pick<Asset, 'symbol' | 'decimals'>
  to: string
  /** What must move according to the request, where a contract is trusted to move it. */
  moves?: { token: string; amount: bigint; to: string }
}
