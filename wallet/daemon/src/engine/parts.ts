import type { Logger, Timers } from '@openpista/common'
import type { Asset, Environment, NetworkName } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import type { Signer } from '../signer/signer.ts'
import type { Tables } from '../store/tables.ts'
import type { Write } from '../store/writer.ts'
import type { Changes } from './changes.ts'
import type { HandOvers } from './hand-over.ts'
import type { Lock } from './lock.ts'
import type { PolicySource } from './policy-source.ts'
import type { SteadyClock } from './steady-clock.ts'
import type { WalletSource } from './wallet-source.ts'

/** Micro-dollars for one human unit, by `assetKey`. An asset without a fresh price is left out. Never rejects. */
export type Prices = (assets: readonly Asset[]) => Promise<ReadonlyMap<string, bigint>>

/** Points after which a crash must lose nothing and repeat nothing. */
export type Step = 'judged' | 'signed' | 'broadcast' | 'submitted' | 'settled' | 'replaced'

export type EngineSettings = {
  environment: Environment
  /** Bytes whose end is open are handed to the chain again after this long, then after twice as long. */
  rebroadcastMillis: number
  /** How often transactions made elsewhere are looked for: whether they are ever sent is their caller's choice. */
  finalityMillis: number
  /** Signatures that may be made for one transaction, each after the death of the one before. */
  maxSignatures: number
  /** Payments of one agent that may wait at once, for time or for the owner. */
  maxQueued: number
  /** Pause before something that the chain did not answer is tried again. */
  retryMillis: number
}

/** What the engine is made of. All of it is required. */
export type EngineParts = {
  db: Kysely<Tables>
  adapters: ReadonlyMap<NetworkName, ChainAdapter>
  /** A network over one node that the operator names. */
  connectNode: (network: NetworkName, rpcUrl: string) => ChainAdapter
  signer: Pick<Signer, 'sign' | 'halted' | 'halt' | 'resume'>
  clock: SteadyClock
  timers: Timers
  newId: () => string
  prices: Prices
  log: Logger
  /** Where the owner approves a transaction. */
  approvalUrl: (transactionId: string) => string
  settings: EngineSettings
  /** Called right after each step, before anything else happens to the transaction. */
  onStep: (step: Step, transactionId: string) => void
}

/** The parts as the engine's own modules see them. */
export type Context = EngineParts & {
  write: Write
  changes: Changes
  handOvers: HandOvers
  lock: Lock
  policies: PolicySource
  walletOf: WalletSource
  /** The steady clock's seconds. */
  now: () => number
}
