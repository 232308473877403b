import { humanUnits } from '../amount.ts'
import { type Asset, assetKey, type Effect } from '../effect.ts'
import { networkOf } from '../network.ts'
import { stricter, type Tier } from '../verdict.ts'
import { durationText } from './duration.ts'
import { limitKeys } from './limit-key.ts'
import {
  answerTo,
  countedFee,
  definePolicyType,
  type Facts,
  type Opinion,
  type Question,
  type Subject,
} from './policy-type.ts'
import { dollarsAloneCount, type Edges, limitsFor, SpendingRules, usdLimits, type Window } from './spending-rules.ts'
import { limitsAsStrict } from './spending-strictness.ts'
import { usdText, usdValue } from './usd.ts'

type Spend = Extract<Effect, { kind: 'spend' }>

/**
 * How large a payment may be at which tier, and how much may go out in rolling windows.
 * Permits native coins, and tokens that `token_limits` names. Of other tokens it says the tier, and leaves it to
 * ALLOWED_TOKENS whether they may go at all.
 */
export const spendingLimit = definePolicyType({
  type: 'SPENDING_LIMIT',
  description: 'Tiers by amount, and rolling totals',
  rules: SpendingRules,
  ask: (rules) => rules.windows.flatMap(windowQuestions),
  judge: (rules, subject, facts) => {
    const sums = spendSums(subject)
    const outflow = [...sums.values(), { asset: nativeOf(subject), amount: subject.maxFee }]
    return [
      ...judgeAssets(rules, subject, sums, facts),
      ...judgeFeeAlone(rules, subject, facts),
      ...rules.windows.flatMap((window) => judgeWindow(window, outflow, facts)),
      ...judgeUncounted(rules, outflow, facts),
    ]
  },
  absent: (subject) => {
    const unlimited = (symbol: string) => ({ tier: 'APPROVAL' as const, message: `No limit for ${symbol} is set.` })
    const tokens = subject.effects.flatMap((effect, index): Opinion[] => {
      if (effect.kind !== 'spend' || effect.asset.address === undefined) return []
      return [{ effect: index, ...unlimited(effect.asset.symbol) }]
    })
    return countedFee(subject) === 0n ? tokens : [...tokens, unlimited(`fees in ${nativeOf(subject).symbol}`)]
  },
  waits: (rules) => ({ delaySeconds: rules.delay_seconds, approvalSeconds: rules.approval_timeout }),
  tokens: (rules, network) =>
    Object.keys(rules.token_limits).flatMap((key) => {
      const [at, address] = key.split('/')
      return at === network && address !== undefined && address !== 'native' ? [address] : []
    }),
  asStrict: limitsAsStrict,
})

/** One opinion per payment, by the sum of its asset and by the sum in dollars, each with the fee that counts. */
function judgeAssets(rules: SpendingRules, subject: Subject, sums: Sums, facts: Facts): Opinion[] {
  const dollars = usdLimits(rules)
  const fee = { asset: nativeOf(subject), amount: countedFee(subject) }
  const usdSum = sumUsd([...sums.values()], facts)
  const usdWithFee = usdSum + (valueInUsd(fee, facts) ?? 0n)
  return subject.effects.flatMap((effect, index) => {
    if (effect.kind !== 'spend') return []
    const limits = limitsFor(rules, effect.asset)
    const permits = effect.asset.address === undefined || limits !== undefined ? { permits: true as const } : {}
    const sum = sums.get(assetKey(effect.asset))!.amount
    const judged: { tier: Tier; message: string }[] = []
    if (limits !== undefined) {
      const withFee = effect.asset.address === undefined ? sum + fee.amount : sum
      judged.push(byEdges(withFee, limits, (amount) => amountText(amount, effect.asset), named(sum, withFee)))
    }
    if (dollars !== undefined && facts.prices.has(assetKey(effect.asset))) {
      judged.push(byEdges(usdWithFee, dollars, usdText, named(usdSum, usdWithFee)))
    }
    if (judged.length === 0) {
      const message = `${amountText(sum, effect.asset)} has neither a limit nor a known price; the owner decides.`
      return [{ effect: index, tier: 'APPROVAL', message, ...permits }]
    }
    const strictest = judged.reduce((a, b) => (stricter(a.tier, b.tier) === a.tier ? a : b))
    return [{ effect: index, ...strictest, ...permits }]
  })
}

/**
 * The fee of a transaction that pays nothing in the native coin: nothing else judges it. Where native coins have
 * neither a limit nor a price there is nothing to judge it by, and FEE_LIMIT alone speaks of it.
 */
function judgeFeeAlone(rules: SpendingRules, subject: Subject, facts: Facts): Opinion[] {
  const fee = { asset: nativeOf(subject), amount: countedFee(subject) }
  if (subject.effects.some((effect) => effect.kind === 'spend' && effect.asset.address === undefined)) return []
  const limits = limitsFor(rules, fee.asset)
  const dollars = usdLimits(rules)
  const value = valueInUsd(fee, facts)
  const judged = [
    ...(limits === undefined ? [] : [byEdges(fee.amount, limits, (amount) => amountText(amount, fee.asset), THE_FEE)]),
    ...(dollars === undefined || value === undefined ? [] : [byEdges(value, dollars, usdText, THE_FEE)]),
  ]
  return fee.amount === 0n ? [] : judged.filter(({ tier }) => tier !== 'INSTANT')
}

const THE_FEE = () => 'The fee'

/** An amount in a message. The fee is not told in digits: it changes with every block, and the message is hashed. */
function named(sum: bigint, withFee: bigint): (text: (amount: bigint) => string) => string {
  return (text) => (withFee === sum ? text(sum) : `${text(sum)} with its fee`)
}

function byEdges(
  amount: bigint,
  edges: Edges,
  text: (amount: bigint) => string,
  name: (text: (amount: bigint) => string) => string,
): { tier: Tier; message: string } {
  const { instant, notify, delay } = edges
  const what = name(text)
  if (instant !== undefined && amount <= instant) {
    return { tier: 'INSTANT', message: `${what} is within the instant limit of ${text(instant)}.` }
  }
  if (notify !== undefined && amount <= notify) {
    return { tier: 'NOTIFY', message: above(text, what, 'instant', instant, `within ${text(notify)}: with a notice`) }
  }
  if (delay !== undefined && amount <= delay) {
    const [edgeName, edge] = notify === undefined ? (['instant', instant] as const) : (['notify', notify] as const)
    return { tier: 'DELAY', message: above(text, what, edgeName, edge, `within ${text(delay)}: with a delay`) }
  }
  const [edgeName, edge] =
    delay !== undefined
      ? (['delay', delay] as const)
      : notify !== undefined
        ? (['notify', notify] as const)
        : (['instant', instant] as const)
  return { tier: 'APPROVAL', message: above(text, what, edgeName, edge, 'the owner decides') }
}

function above(
  text: (amount: bigint) => string,
  what: string,
  name: string,
  edge: bigint | undefined,
  consequence: string,
): string {
  if (edge === undefined) return `${what} is ${consequence}.`
  return `${what} is above the ${name} limit of ${text(edge)}; ${consequence}.`
}

function windowQuestions(window: Window): Question[] {
  const { seconds } = window
  return [
    ...(window.max === undefined ? [] : [{ kind: 'spent' as const, limitKey: window.asset, seconds }]),
    ...(window.max_usd === undefined ? [] : [{ kind: 'spentUsd' as const, seconds }]),
    ...(window.max_count === undefined ? [] : [{ kind: 'count' as const, seconds }]),
  ]
}

/** Opinions on the transaction as a whole: what the window has seen, plus this transaction with its fee. */
function judgeWindow(window: Window, outflow: readonly Part[], facts: Facts): Opinion[] {
  const { seconds } = window
  const time = durationText(seconds)
  const exceeded: string[] = []
  if (window.max !== undefined) {
    const counted = outflow.filter(({ asset }) => limitKeys(asset).includes(window.asset))
    const adding = counted.reduce((sum, { amount }) => sum + amount, 0n)
    const total = answerTo(facts, { kind: 'spent', limitKey: window.asset, seconds }) + adding
    const asset = counted[0]?.asset
    if (asset !== undefined && adding > 0n && total > window.max) {
      exceeded.push(`${amountText(total, asset)} in ${time} is above the limit of ${amountText(window.max, asset)}`)
    }
  }
  if (window.max_usd !== undefined) {
    const adding = outflow.reduce((sum, part) => sum + (valueInUsd(part, facts) ?? 0n), 0n)
    const total = answerTo(facts, { kind: 'spentUsd', seconds }) + adding
    if (adding > 0n && total > window.max_usd) {
      exceeded.push(`${usdText(total)} in ${time} is above the limit of ${usdText(window.max_usd)}`)
    }
  }
  if (window.max_count !== undefined) {
    const total = answerTo(facts, { kind: 'count', seconds }) + 1n
    if (total > BigInt(window.max_count)) {
      exceeded.push(`This would be transaction ${total} in ${time}; ${window.max_count} are allowed`)
    }
  }
  return exceeded.map((message) =>
    window.on_exceed === 'DENY'
      ? { tier: 'DENY', code: 'SPENDING_LIMIT_EXCEEDED', message: `${message}.` }
      : { tier: 'APPROVAL', message: `${message}; the owner decides.` },
  )
}

/** What no window can count: it has no price, and the only windows that could stop it are in dollars. */
function judgeUncounted(rules: SpendingRules, outflow: readonly Part[], facts: Facts): Opinion[] {
  return outflow.flatMap((part) => {
    if (part.amount === 0n || valueInUsd(part, facts) !== undefined) return []
    if (!dollarsAloneCount(rules, part.asset)) return []
    const message = `${part.asset.symbol} has no known price, so the limits in dollars cannot count it; the owner decides.`
    return [{ tier: 'APPROVAL', message }]
  })
}

type Part = { asset: Asset; amount: bigint }
/** By asset key. */
type Sums = ReadonlyMap<string, Part>

function spendSums(subject: Subject): Sums {
  const sums = new Map<string, Part>()
  const spends = subject.effects.filter((effect): effect is Spend => effect.kind === 'spend')
  const grants = subject.effects.filter((effect) => effect.kind === 'grant')
  for (const { asset, amount } of [...spends, ...grants]) {
    const key = assetKey(asset)
    sums.set(key, { asset, amount: (sums.get(key)?.amount ?? 0n) + amount })
  }
  return sums
}

function sumUsd(parts: readonly Part[], facts: Facts): bigint {
  return parts.reduce((sum, part) => sum + (valueInUsd(part, facts) ?? 0n), 0n)
}

function valueInUsd({ asset, amount }: Part, facts: Facts): bigint | undefined {
  const price = facts.prices.get(assetKey(asset))
  return price === undefined ? undefined : usdValue(amount, asset.decimals, price)
}

function nativeOf(subject: Subject): Asset {
  return { network: subject.network, ...networkOf(subject.network).native }
}

function amountText(amount: bigint, asset: Pick<Asset, 'decimals' | 'symbol' | 'multiplier'>): string {
  return `${humanUnits(amount, asset)} ${asset.symbol}`
}
