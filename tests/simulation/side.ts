import type { NetworkName } from '@waiaas/core'
import type { Exchange } from '../../wallet/daemon/src/chains/exchange.ts'
import type { Random } from './random.ts'

/** One simulated network as driver and oracle see it: its nodes, and what really is. */
export type Side = {
  readonly network: NetworkName
  readonly family: 'evm' | 'solana'
  readonly urls: readonly string[]
  /** A node that the wallet does not use, with the whole past, for the operator's proofs. */
  readonly archiveUrl?: string
  readonly exchange: Exchange
  /** Base units of one coin. */
  readonly coin: bigint
  start(): void
  stop(): void
  heal(): void
  isHealed(): boolean
  credit(amount: bigint): void
  newPayee(): string
  /** An unsigned transaction that somebody else made for the wallet's key, as the wallet takes it. */
  outside?(draw: Random, payee: string): string
  readonly truth: SideTruth
  /** How often each fault struck. */
  faults(): ReadonlyMap<string, number>
  /** Every fault that this kind of network knows. */
  readonly faultKinds: readonly string[]
  /** Reports faults that struck since the last look, where the network does not report them at once. */
  look(): void
  /** Things that happen on the chain on demand; each has a name for the trace. */
  readonly acts: readonly SideAct[]
}

export type SideAct = { readonly name: string; readonly weight: number; readonly run: () => void }

export type SideTruth = {
  /** Whether these bytes ever left the wallet. */
  isOut(hash: string): boolean
  /** Whether a legal future has bytes that left the wallet, or the final past does. */
  canLand(hash: string): { can: boolean; why: string }
  /** Where the chain has them now. */
  landed(hash: string): { isFinal: boolean; succeeded: boolean; fee: bigint } | undefined
  /** Hashes of what paid somebody, on the chain as it is now. */
  paymentsTo(payee: string): string[]
  /** What the wallet paid, fees included, up to the final block; `own`: by bytes that left the daemon. */
  outflow(): { own: bigint; foreign: bigint }
  /** Coins now. */
  balance(): bigint
  /** Whether a stored proof of death holds, by other means than the wallet's. A sentence where it does not. */
  checkProof(
    proof: StoredProof,
    bytes: readonly { hash: string; sequence: bigint | null; validUntil: bigint | null }[],
  ): string | undefined
}

export type StoredProof = { kind: string; block: { number: string; hash: string } }
