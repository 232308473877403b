import { type BalanceChange, type Effect, type EffectView, formatUnits, humanUnits, type Json } from '@waiaas/core'
import type { Draft } from '../chains/chain-adapter.ts'
import type { TransactionRow } from '../store/transactions.ts'

type StoredEffect = Exclude<EffectView, { humanAmount: string }> | Omit<EffectView, 'humanAmount' | 'unscaledAmount'>

/** The columns that hold a draft. */
export function draftColumns(draft: Draft): Pick<TransactionRow, 'effects' | 'draft' | 'max_fee'> {
  const { asset, to, plan } = draft
  const fees = { plainFee: `${draft.plainFee}`, marketFee: draft.marketFee?.toString() }
  const changes = draft.changes?.map(({ before, after, ...rest }) => ({
    ...rest,
    before: `${before}`,
    after: `${after}`,
  }))
  return {
    effects: JSON.stringify(draft.effects.map(effectView)),
    draft: JSON.stringify({ amount: draft.amount.toString(), asset, to, plan, changes, ...fees } satisfies StoredRest),
    max_fee: draft.maxFee.toString(),
  }
}

/** The draft of a row that was judged. */
export function readDraft(row: Pick<TransactionRow, 'effects' | 'draft' | 'max_fee'>): Draft {
  if (row.draft === null || row.max_fee === null) throw new Error('the row has no draft yet')
  const { amount, changes, plainFee, marketFee, ...rest } = JSON.parse(row.draft) as StoredRest
  const moved = changes?.map((each) => ({ ...each, before: BigInt(each.before), after: BigInt(each.after) }))
  return {
    ...rest,
    ...(moved && { changes: moved }),
    amount: BigInt(amount),
    maxFee: BigInt(row.max_fee),
    // Rows of older versions do not tell it; their limits did not count the fee.
    plainFee: BigInt(plainFee ?? row.max_fee),
    ...(marketFee === undefined ? {} : { marketFee: BigInt(marketFee) }),
    effects: readEffects(row),
  }
}

export function readEffects(row: Pick<TransactionRow, 'effects'>): Effect[] {
  return (JSON.parse(row.effects) as StoredEffect[]).map((stored) =>
    'amount' in stored ? ({ ...stored, amount: BigInt(stored.amount as string) } as Effect) : (stored as Effect),
  )
}

/** True for a transaction that was made elsewhere: it is signed once, as it is, and its caller sends it. */
export function isOutside(row: Pick<TransactionRow, 'type'>): boolean {
  return row.type === 'SIGN'
}

/** An effect on the wire. */
export function effectView(effect: Effect): EffectView {
  if (effect.kind !== 'spend' && effect.kind !== 'grant') return effect
  const { amount, asset } = effect
  const unscaled = asset.multiplier === undefined ? {} : { unscaledAmount: formatUnits(amount, asset.decimals) }
  return { ...effect, amount: amount.toString(), humanAmount: humanUnits(amount, asset), ...unscaled }
}

/** True where two drafts do the same, whatever they cost in fees, and however wallets show it. */
export function sameEffects(a: readonly Effect[], b: readonly Effect[]): boolean {
  return JSON.stringify(a.map(ordered)) === JSON.stringify(b.map(ordered))
}

type StoredChange = Omit<BalanceChange, 'before' | 'after'> & { before: string; after: string }
type StoredRest = {
  amount: string
  asset: Draft['asset']
  to: string
  plan: Json
  changes?: StoredChange[] | undefined
  plainFee?: string | undefined
  marketFee?: string | undefined
}

function ordered(effect: Effect): unknown {
  return Object.entries(effectView(effect))
    .filter(([name]) => !shown.has(name))
    .map(([name, value]) => [name, typeof value === 'object' ? inOrder(value) : value])
    .toSorted(([a], [b]) => String(a).localeCompare(String(b)))
}

const shown: ReadonlySet<string> = new Set(['humanAmount', 'unscaledAmount', 'multiplier', 'notes'])

function inOrder(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([name]) => !shown.has(name))
    .toSorted()
}
