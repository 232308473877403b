import type { AnswerOf } from '@waiaas/sdk'

type Effect = AnswerOf<'simulatePolicy'>['effects'][number]

/** What a transaction does, in words. */
export function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'spend':
      return `send ${effect.humanAmount} ${assetText(effect.asset)} to ${effect.to}`
    case 'grant':
      return `let ${effect.spender} take ${effect.humanAmount} ${assetText(effect.asset)}`
    case 'call':
      return `call ${effect.selector} of ${effect.target}`
    case 'opaque':
      return `something that cannot be read: ${effect.why}`
    default:
      return effect.kind
  }
}

/** Anybody may call a token by any symbol: its address tells which it is. */
function assetText(asset: { symbol: string; address?: string | undefined }): string {
  return asset.address === undefined ? asset.symbol : `${asset.symbol} (${asset.address})`
}
