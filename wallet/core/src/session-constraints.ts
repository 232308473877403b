import { z } from 'zod'
import { parseAddress } from './address.ts'
import { BaseUnits, humanUnits } from './amount.ts'
import { type Asset, assetKey, type Effect, isRevocation } from './effect.ts'
import { NetworkRef, networkOf } from './network.ts'
import { limitKeys } from './policy/limit-key.ts'
import { countedFee, type Subject } from './policy/policy-type.ts'
import type { Reason } from './verdict.ts'

export const Operation = z.enum(['TRANSFER', 'TOKEN_TRANSFER', 'CONTRACT_CALL', 'APPROVE', 'BATCH', 'SIGN'])
export type Operation = z.infer<typeof Operation>

/** One amount for native coins, or an amount per limit key; what has no key then may not be spent at all. */
const Amounts = z.union([
  BaseUnits.transform((amount): Record<string, string> => ({ native: amount })),
  z.record(z.string().min(1).max(200), BaseUnits).refine((amounts) => Object.keys(amounts).length > 0, {
    message: 'name at least one asset',
  }),
])

const Destination = z
  .string()
  .max(64)
  .transform((text, context): string => {
    for (const family of ['evm', 'solana'] as const) {
      const parsed = parseAddress(family, text)
      if (parsed.ok) return parsed.address
    }
    context.addIssue({ code: 'custom', message: 'must be an EVM or a Solana address' })
    return z.NEVER
  })

/**
 * What a session may do at most, fixed when it is made. Every constraint narrows: the policy is asked as well,
 * and the stricter of the two wins. Amounts count what is sent, what is granted, and of fees what a plain payment
 * would not have cost; edges are inclusive.
 */
export const SessionConstraints = z
  .strictObject({
    maxAmountPerTx: Amounts.optional(),
    maxTotalAmount: Amounts.optional(),
    /** Transactions that were allowed or wait; refused and cancelled ones do not count. */
    maxTransactions: z.number().int().min(1).max(1_000_000).optional(),
    /** Makes `maxTotalAmount` and `maxTransactions` rolling totals; without it they hold for the whole session. */
    windowSeconds: z.number().int().min(60).max(2_592_000).optional(),
    allowedOperations: z.array(Operation).min(1).max(6).optional(),
    /** Recipients, spenders and called contracts. */
    allowedDestinations: z.array(Destination).min(1).max(200).optional(),
    networks: z.array(NetworkRef).min(1).max(20).optional(),
  })
  .meta({ id: 'SessionConstraints' })
export type SessionConstraints = z.output<typeof SessionConstraints>

/** What a session has spent and done, where its constraints ask for it. */
export type SessionTotals = { spent: ReadonlyMap<string, bigint>; transactions: bigint }

/** What was asked for, beside what it does. */
export type SessionRequest = { type: Operation }

/** The constraints that a transaction breaks; none means that the session allows it. */
export function judgeConstraints(
  constraints: SessionConstraints,
  request: SessionRequest,
  subject: Subject,
  totals: SessionTotals,
): Reason[] {
  const { allowedOperations, allowedDestinations, networks, maxTransactions } = constraints
  const faults: string[] = []
  if (networks !== undefined && !networks.includes(subject.network)) {
    faults.push(`The session may not use ${subject.network}.`)
  }
  if (allowedOperations !== undefined && !allowedOperations.some((operation) => operation === request.type)) {
    faults.push(`The session allows ${allowedOperations.join(', ')} only.`)
  }
  if (maxTransactions !== undefined && totals.transactions >= BigInt(maxTransactions)) {
    faults.push(`The session has used all of its ${maxTransactions} transactions.`)
  }
  const reasons = faults.map((message) => reason(message, undefined))
  for (const [index, effect] of subject.effects.entries()) {
    if (isRevocation(effect)) continue
    if (allowedDestinations !== undefined && !destinationsOf(effect).every((to) => allowedDestinations.includes(to))) {
      reasons.push(reason('The session allows listed destinations only.', index))
    }
  }
  return [...reasons, ...judgeAmounts(constraints, subject, totals)]
}

/** An address that no list contains, for what has no destination to look at. */
const NOWHERE = ''

function destinationsOf(effect: Effect): string[] {
  switch (effect.kind) {
    case 'spend':
      return [effect.to]
    case 'grant':
      return [effect.spender]
    case 'call':
      return [effect.target]
    default:
      return [NOWHERE]
  }
}

function judgeAmounts(constraints: SessionConstraints, subject: Subject, totals: SessionTotals): Reason[] {
  const { maxAmountPerTx, maxTotalAmount } = constraints
  if (maxAmountPerTx === undefined && maxTotalAmount === undefined) return []
  const reasons: Reason[] = []
  const sums = new Map<string, { asset: Asset; amount: bigint; index: number | undefined }>()
  for (const [index, effect] of subject.effects.entries()) {
    if (effect.kind === 'opaque') reasons.push(reason('The session has a budget, and this cannot be counted.', index))
    if (effect.kind !== 'spend' && effect.kind !== 'grant') continue
    const key = assetKey(effect.asset)
    sums.set(key, { asset: effect.asset, amount: (sums.get(key)?.amount ?? 0n) + effect.amount, index })
  }
  const fee = countedFee(subject)
  const native: Asset = { network: subject.network, ...networkOf(subject.network).native }
  const spent = sums.get(assetKey(native))
  if (fee > 0n) sums.set(assetKey(native), { asset: native, amount: (spent?.amount ?? 0n) + fee, index: spent?.index })
  for (const { asset, amount, index } of sums.values()) {
    const text = (units: bigint) => `${humanUnits(units, asset)} ${asset.symbol}`
    for (const limits of [maxAmountPerTx, maxTotalAmount]) {
      if (limits === undefined) continue
      const key = limitKeys(asset).find((name) => Object.hasOwn(limits, name))
      const isFeeAlone = index === undefined
      // Who budgets tokens alone still pays for gas, at the market price.
      if (key === undefined && isFeeAlone && subject.maxFee <= (subject.marketFee ?? subject.maxFee)) continue
      if (key === undefined) {
        reasons.push(reason(`The session has no budget for ${asset.symbol} (${assetKey(asset)}).`, index))
        continue
      }
      const before = limits === maxTotalAmount ? (totals.spent.get(key) ?? 0n) : 0n
      if (before + amount <= BigInt(limits[key]!)) continue
      const what = limits === maxTotalAmount ? `${text(before)} of the session's budget are used` : 'A payment'
      const rest = limits === maxTotalAmount ? 'in all' : 'at once'
      const message = `${what}; it may spend ${text(BigInt(limits[key]!))} ${rest}, this is ${text(amount)}.`
      reasons.push(reason(message, index))
    }
  }
  return reasons
}

function reason(message: string, effect: number | undefined): Reason {
  return {
    rule: 'SESSION',
    tier: 'DENY',
    code: 'CONSTRAINT_VIOLATED',
    message,
    ...(effect === undefined ? {} : { effect }),
  }
}
