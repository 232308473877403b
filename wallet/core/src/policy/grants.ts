import { humanUnits } from '../amount.ts'
import { type Asset, assetKey, type Effect } from '../effect.ts'
import { networkOf } from '../network.ts'
import type { Opinion, Subject } from './policy-type.ts'

export type Grant = Extract<Effect, { kind: 'grant' }>

/**
 * One opinion per grant. `total` is what the transaction grants to the same spender of the same asset in all,
 * so that splitting gets round nothing.
 */
export function onGrants(subject: Subject, judge: (grant: Grant, total: bigint) => Opinion | undefined): Opinion[] {
  const totals = new Map<string, bigint>()
  const key = (grant: Grant) => `${assetKey(grant.asset)} ${grant.spender}`
  for (const effect of subject.effects) {
    if (effect.kind === 'grant') totals.set(key(effect), (totals.get(key(effect)) ?? 0n) + effect.amount)
  }
  return subject.effects.flatMap((effect, index) => {
    const opinion = effect.kind === 'grant' ? judge(effect, totals.get(key(effect))!) : undefined
    return opinion === undefined ? [] : [{ effect: index, ...opinion }]
  })
}

/** From half of what a token amount can be on, contracts and people read an allowance as unlimited. */
export function isUnlimited(asset: Pick<Asset, 'network'>, amount: bigint): boolean {
  return amount >= networkOf(asset.network).maxTokenAmount / 2n
}

/** "5 TKN", or "an unlimited amount of TKN". */
export function grantText(asset: Asset, amount: bigint): string {
  if (isUnlimited(asset, amount)) return `an unlimited amount of ${asset.symbol}`
  return `${humanUnits(amount, asset)} ${asset.symbol}`
}
