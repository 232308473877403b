import { z } from 'zod'
import { humanUnits } from './amount.ts'
import type { NetworkName } from './network.ts'

/** What an amount is an amount of: the native coin of a network, or a token by contract or mint address. */
export type Asset = {
  network: NetworkName
  /** Token contract (EIP-55) or mint; absent for the native coin. */
  address?: string
  symbol: string
  decimals: number
  /** Human amounts are base units times this, where the mint scales what wallets show (Token-2022). */
  multiplier?: string
  /** What the issuer may do to every holder, and how amounts are shown: in words. */
  notes?: string[]
}

/**
 * What a transaction does, derived from the transaction itself, never from what the caller says of it.
 * Amounts are base units of the asset.
 */
export type Effect =
  /** `depositFor`: an account that is made for `to`, who gets the deposit in it. */
  | { kind: 'spend'; asset: Asset; amount: bigint; to: string; depositFor?: string }
  | { kind: 'grant'; asset: Asset; amount: bigint; spender: string }
  | { kind: 'call'; target: string; selector: string }
  | { kind: 'deploy' }
  | { kind: 'sign'; scheme: string }
  | { kind: 'opaque'; why: string }

/** True for a payment to somebody else: what a wallet pays to itself explains nothing of what leaves it. */
export function isOutflow(effect: Effect, wallet: string): effect is Extract<Effect, { kind: 'spend' }> {
  return effect.kind === 'spend' && effect.to !== wallet
}

/**
 * True for a grant of nothing: a right that is taken back, or made smaller. It gives nobody anything, so lists of
 * who may be given rights do not speak about it.
 */
export function isRevocation(effect: Effect): boolean {
  return effect.kind === 'grant' && effect.amount === 0n
}

/** What a simulation did to one balance, of the wallet or of who is paid. Base units of the asset. */
export type BalanceChange = { account: string; asset: Asset; before: bigint; after: bigint }

/** An asset's key in ledgers and policies: `evm-local/native`, `base-mainnet/0x833…`. */
export function assetKey(asset: Pick<Asset, 'network' | 'address'>): string {
  return `${asset.network}/${asset.address ?? 'native'}`
}

export const AssetView = z
  .object({
    network: z.string(),
    address: z.string().optional(),
    symbol: z.string(),
    decimals: z.number().int(),
    /** Where the mint scales what wallets show: human amounts are base units, moved by the decimals, times this. */
    multiplier: z.string().optional(),
    /** What the issuer may do to every holder, and how amounts are shown: in words. */
    notes: z.array(z.string()).optional(),
  })
  .meta({ id: 'Asset' })

/** An effect on the wire: amounts both in base units and in human units; of scaled tokens also before the multiplier. */
export const EffectView = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('spend'),
      asset: AssetView,
      amount: z.string(),
      humanAmount: z.string(),
      unscaledAmount: z.string().optional(),
      to: z.string(),
      /** An account that is made for `to`, who gets the deposit in it. */
      depositFor: z.string().optional(),
    }),
    z.object({
      kind: z.literal('grant'),
      asset: AssetView,
      amount: z.string(),
      humanAmount: z.string(),
      unscaledAmount: z.string().optional(),
      spender: z.string(),
    }),
    z.object({ kind: z.literal('call'), target: z.string(), selector: z.string() }),
    z.object({ kind: z.literal('deploy') }),
    z.object({ kind: z.literal('sign'), scheme: z.string() }),
    z.object({ kind: z.literal('opaque'), why: z.string() }),
  ])
  .meta({ id: 'Effect' })
export type EffectView = z.infer<typeof EffectView>

/** A balance change on the wire: amounts both in base units and in human units. */
export const BalanceChangeView = z
  .object({
    account: z.string(),
    asset: AssetView,
    before: z.string(),
    after: z.string(),
    humanBefore: z.string(),
    humanAfter: z.string(),
  })
  .meta({ id: 'BalanceChange' })
export type BalanceChangeView = z.infer<typeof BalanceChangeView>

export function balanceChangeView({ account, asset, before, after }: BalanceChange): BalanceChangeView {
  const [humanBefore, humanAfter] = [humanUnits(before, asset), humanUnits(after, asset)]
  return { account, asset, before: before.toString(), after: after.toString(), humanBefore, humanAfter }
}
