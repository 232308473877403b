import { z } from 'zod'
import { BaseUnits, formatUnits } from '../amount.ts'
import { type Asset, assetKey, type Effect } from '../effect.ts'
import { networkOf } from '../network.ts'
import { stricter, type Tier } from '../verdict.ts'
import { limitKeys } from './limit-key.ts'
import { answerTo, definePolicyType, type Facts, type Opinion, type Question, type Subject } from './policy-type.ts'
import { UsdAmount, usdText, usdValue } from './usd.ts'

const Units = BaseUnits.transform(BigInt)
const LimitKey = z.string().min(1).max(200)

const rising = (low: bigint | undefined, middle: bigint | undefined, high: bigint | undefined) => {
  const given = [low, middle, high].filter((value) => value !== undefined)
  return given.every((value, index) => index === 0 || given[index - 1]! <= value)
}

const Limits = z
  .strictObject({ instant_max: Units.optional(), notify_max: Units.optional(), delay_max: Units.optional() })
  .refine((limits) => Object.values(limits).some((value) => value !== undefined), { message: 'give a limit' })
  .refine((limits) => rising(limits.instant_max, limits.notify_max, limits.delay_max), {
    message: 'limits must rise from instant_max over notify_max to delay_max',
  })

const Window = z
  .strictObject({
    seconds: z.number().int().min(1).max(2_678_400),
    /** Limit key of the asset that `max` counts. */
    asset: LimitKey.default('native'),
    max: Units.optional(),
    max_usd: UsdAmount.optional(),
    max_count: z.number().int().min(0).optional(),
    on_exceed: z.enum(['DENY', 'APPROVAL']).default('DENY'),
  })
  .refine(({ max, max_usd, max_count }) => max !== undefined || max_usd !== undefined || max_count !== undefined, {
    message: 'give at least one of max, max_usd and max_count',
  })
type Window = z.output<typeof Window>

const Fields = z.strictObject({
  instant_max: Units.optional(),
  notify_max: Units.optional(),
  delay_max: Units.optional(),
  instant_max_usd: UsdAmount.optional(),
  notify_max_usd: UsdAmount.optional(),
  delay_max_usd: UsdAmount.optional(),
  token_limits: z.record(LimitKey, Limits).default({}),
  delay_seconds: z.number().int().min(60).max(86_400).default(300),
  approval_timeout: z.number().int().min(300).max(86_400).default(3600),
  windows: z.array(Window).max(16).default([]),
})
type Rules = z.output<typeof Fields>

const Rules = Fields.refine((rules) => rising(rules.instant_max, rules.notify_max, rules.delay_max), {
  message: 'limits must rise from instant_max over notify_max to delay_max',
})
  .refine((rules) => rising(rules.instant_max_usd, rules.notify_max_usd, rules.delay_max_usd), {
    message: 'limits must rise from instant_max_usd over notify_max_usd to delay_max_usd',
  })
  .refine(
    (rules) =>
      nativeLimits(rules) !== undefined ||
      usdLimits(rules) !== undefined ||
      Object.keys(rules.token_limits).length > 0 ||
      rules.windows.length > 0,
    { message: 'give at least one limit: *_max, *_max_usd, token_limits or windows' },
  )

/** Three edges, each inclusive. A missing edge is a tier that is never given; above all of them is APPROVAL. */
type Edges = { instant: bigint | undefined; notify: bigint | undefined; delay: bigint | undefined }

type Spend = Extract<Effect, { kind: 'spend' }>

/**
 * How large a payment may be at which tier, and how much may go out in rolling windows.
 * Permits native coins, and tokens that `token_limits` names; everything else it does not speak about.
 */
export const spendingLimit = definePolicyType({
  type: 'SPENDING_LIMIT',
  description: 'Tiers by amount, and rolling totals',
  rules: Rules,
  raises: false,
  ask: (rules) => rules.windows.flatMap(windowQuestions),
  judge: (rules, subject, facts) => {
    const seconds = { delaySeconds: rules.delay_seconds, approvalSeconds: rules.approval_timeout }
    const opinions: Opinion[] = [
      ...judgeAssets(rules, subject, facts),
      ...rules.windows.flatMap((window) => judgeWindow(window, subject, facts)),
    ]
    return opinions.map((opinion) => ({ ...opinion, ...seconds }))
  },
})

/** One opinion per spend effect that this policy covers, by the sum of its asset and by the sum in dollars. */
function judgeAssets(rules: Rules, subject: Subject, facts: Facts): Opinion[] {
  const sums = spendSums(subject)
  const dollars = usdLimits(rules)
  const usdSum = sumUsd(sums, facts)
  return subject.effects.flatMap((effect, index) => {
    if (effect.kind !== 'spend') return []
    const limits = limitsFor(rules, effect.asset)
    if (effect.asset.address !== undefined && limits === undefined) return []
    const sum = sums.get(assetKey(effect.asset))!.amount
    const judged: { tier: Tier; message: string }[] = []
    if (limits !== undefined) judged.push(byEdges(sum, limits, (amount) => amountText(amount, effect.asset)))
    if (dollars !== undefined && facts.prices.has(assetKey(effect.asset))) {
      judged.push(byEdges(usdSum, dollars, usdText))
    }
    if (judged.length === 0) {
      const message = `${amountText(sum, effect.asset)} has neither a limit nor a known price; the owner decides.`
      return [{ effect: index, tier: 'APPROVAL', message }]
    }
    const strictest = judged.reduce((a, b) => (stricter(a.tier, b.tier) === a.tier ? a : b))
    return [{ effect: index, ...strictest }]
  })
}

function byEdges(amount: bigint, edges: Edges, text: (amount: bigint) => string): { tier: Tier; message: string } {
  const { instant, notify, delay } = edges
  if (instant !== undefined && amount <= instant) {
    return { tier: 'INSTANT', message: `${text(amount)} is within the instant limit of ${text(instant)}.` }
  }
  if (notify !== undefined && amount <= notify) {
    return { tier: 'NOTIFY', message: above(text, amount, 'instant', instant, `within ${text(notify)}: with a notice`) }
  }
  if (delay !== undefined && amount <= delay) {
    const [name, edge] = notify === undefined ? (['instant', instant] as const) : (['notify', notify] as const)
    return { tier: 'DELAY', message: above(text, amount, name, edge, `within ${text(delay)}: with a delay`) }
  }
  const [name, edge] =
    delay !== undefined
      ? (['delay', delay] as const)
      : notify !== undefined
        ? (['notify', notify] as const)
        : (['instant', instant] as const)
  return { tier: 'APPROVAL', message: above(text, amount, name, edge, 'the owner decides') }
}

function above(
  text: (amount: bigint) => string,
  amount: bigint,
  name: string,
  edge: bigint | undefined,
  consequence: string,
): string {
  if (edge === undefined) return `${text(amount)} is ${consequence}.`
  return `${text(amount)} is above the ${name} limit of ${text(edge)}; ${consequence}.`
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
function judgeWindow(window: Window, subject: Subject, facts: Facts): Opinion[] {
  const { seconds } = window
  const exceeded: string[] = []
  const outflow = [...spendSums(subject).values(), { asset: nativeOf(subject), amount: subject.maxFee }]
  if (window.max !== undefined) {
    const counted = outflow.filter(({ asset }) => limitKeys(asset).includes(window.asset))
    const adding = counted.reduce((sum, { amount }) => sum + amount, 0n)
    const total = answerTo(facts, { kind: 'spent', limitKey: window.asset, seconds }) + adding
    const asset = counted[0]?.asset
    if (asset !== undefined && adding > 0n && total > window.max) {
      exceeded.push(`${amountText(total, asset)} in ${seconds} seconds is above ${amountText(window.max, asset)}`)
    }
  }
  if (window.max_usd !== undefined) {
    const adding = outflow.reduce((sum, part) => sum + (valueInUsd(part, facts) ?? 0n), 0n)
    const total = answerTo(facts, { kind: 'spentUsd', seconds }) + adding
    if (adding > 0n && total > window.max_usd) {
      exceeded.push(`${usdText(total)} in ${seconds} seconds is above ${usdText(window.max_usd)}`)
    }
  }
  if (window.max_count !== undefined) {
    const total = answerTo(facts, { kind: 'count', seconds }) + 1n
    if (total > BigInt(window.max_count)) {
      exceeded.push(`This would be transaction ${total} in ${seconds} seconds; ${window.max_count} are allowed`)
    }
  }
  return exceeded.map((message) =>
    window.on_exceed === 'DENY'
      ? { tier: 'DENY', code: 'SPENDING_LIMIT_EXCEEDED', message: `${message}.` }
      : { tier: 'APPROVAL', message: `${message}; the owner decides.` },
  )
}

function spendSums(subject: Subject): Map<string, { asset: Asset; amount: bigint }> {
  const sums = new Map<string, { asset: Asset; amount: bigint }>()
  const spends = subject.effects.filter((effect): effect is Spend => effect.kind === 'spend')
  const grants = subject.effects.filter((effect) => effect.kind === 'grant')
  for (const { asset, amount } of [...spends, ...grants]) {
    const key = assetKey(asset)
    sums.set(key, { asset, amount: (sums.get(key)?.amount ?? 0n) + amount })
  }
  return sums
}

function sumUsd(sums: ReadonlyMap<string, { asset: Asset; amount: bigint }>, facts: Facts): bigint {
  return [...sums.values()].reduce((sum, part) => sum + (valueInUsd(part, facts) ?? 0n), 0n)
}

function valueInUsd({ asset, amount }: { asset: Asset; amount: bigint }, facts: Facts): bigint | undefined {
  const price = facts.prices.get(assetKey(asset))
  return price === undefined ? undefined : usdValue(amount, asset.decimals, price)
}

function nativeOf(subject: Subject): Asset {
  return { network: subject.network, ...networkOf(subject.network).native }
}

/** The limits that the most specific key gives an asset; native coins fall back to the plain ones. */
function limitsFor(rules: Rules, asset: Asset): Edges | undefined {
  for (const key of limitKeys(asset)) {
    const limits = Object.hasOwn(rules.token_limits, key) ? rules.token_limits[key] : undefined
    if (limits !== undefined) {
      return { instant: limits.instant_max, notify: limits.notify_max, delay: limits.delay_max }
    }
  }
  return asset.address === undefined ? nativeLimits(rules) : undefined
}

function nativeLimits(rules: Pick<Rules, 'instant_max' | 'notify_max' | 'delay_max'>): Edges | undefined {
  return edgesOf(rules.instant_max, rules.notify_max, rules.delay_max)
}

function usdLimits(rules: Pick<Rules, 'instant_max_usd' | 'notify_max_usd' | 'delay_max_usd'>): Edges | undefined {
  return edgesOf(rules.instant_max_usd, rules.notify_max_usd, rules.delay_max_usd)
}

function edgesOf(
  instant: bigint | undefined,
  notify: bigint | undefined,
  delay: bigint | undefined,
): Edges | undefined {
  if (instant === undefined && notify === undefined && delay === undefined) return undefined
  return { instant, notify, delay }
}

function amountText(amount: bigint, asset: Pick<Asset, 'decimals' | 'symbol'>): string {
  return `${formatUnits(amount, asset.decimals)} ${asset.symbol}`
}
