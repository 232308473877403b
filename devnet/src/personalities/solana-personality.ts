import type { Transport, Words } from './evm-personality.ts'

/** Reasons for which a Solana node refuses a call; each client words them differently. */
export const SOLANA_SITUATIONS = [
  'blockCleanedUp',
  'preflightFailure',
  'blockhashNotFound',
  'alreadyProcessed',
  'signatureVerification',
  'blockNotAvailable',
  'nodeBehind',
  'nodeUnhealthy',
  'slotSkipped',
  'longTermStorageSlotSkipped',
  'historyNotAvailable',
  'signatureLength',
  'blockStatusNotAvailable',
  'unsupportedVersion',
  'minContextSlot',
  'longTermStorageUnreachable',
  'methodNotFound',
] as const

export type SolanaSituation = (typeof SOLANA_SITUATIONS)[number]

/** What a Solana node or gateway does differently from the LiteSVM node, as data. */
export type SolanaPersonality = Transport & {
  readonly name: string
  readonly chain: 'solana'
  readonly says: { readonly [Situation in SolanaSituation]?: Words | undefined }
  /** Whether it keeps transactions (`--enable-rpc-transaction-history`). */
  readonly history: boolean
  /** Whether it refuses to preflight while unhealthy. */
  readonly refusesWhenUnhealthy: boolean
}
