import { z } from 'zod'
import { BaseUnits } from '../amount.ts'
import type { Asset } from '../effect.ts'
import { limitKeys, parseLimitKey } from './limit-key.ts'
import { UsdAmount } from './usd.ts'

const Units = BaseUnits.transform(BigInt)
const LimitKey = z
  .string()
  .max(200)
  .transform((text, context): string => {
    const key = parseLimitKey(text)
    if (key !== undefined) return key
    const message = 'must be native, native:evm, native:solana, or network/token such as base-mainnet/0x833…'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

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
export type Window = z.output<typeof Window>

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
export type SpendingRules = z.output<typeof Fields>

export const SpendingRules = Fields.refine((rules) => rising(rules.instant_max, rules.notify_max, rules.delay_max), {
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
export type Edges = { instant: bigint | undefined; notify: bigint | undefined; delay: bigint | undefined }

export type AssetName = Pick<Asset, 'network' | 'address'>

/** The limits that the most specific key gives an asset; native coins fall back to the plain ones. */
export function limitsFor(rules: SpendingRules, asset: AssetName): Edges | undefined {
  for (const key of limitKeys(asset)) {
    const limits = Object.hasOwn(rules.token_limits, key) ? rules.token_limits[key] : undefined
    if (limits !== undefined) {
      return { instant: limits.instant_max, notify: limits.notify_max, delay: limits.delay_max }
    }
  }
  return asset.address === undefined ? nativeLimits(rules) : undefined
}

/** True where windows count an asset in dollars, and none counts it in units: without a price they are blind to it. */
export function dollarsAloneCount({ windows }: Pick<SpendingRules, 'windows'>, asset: AssetName): boolean {
  const keys = limitKeys(asset)
  const countsUnits = windows.some((window) => window.max !== undefined && keys.includes(window.asset))
  return !countsUnits && windows.some(({ max_usd }) => max_usd !== undefined)
}

function nativeLimits(rules: Pick<SpendingRules, 'instant_max' | 'notify_max' | 'delay_max'>): Edges | undefined {
  return edgesOf(rules.instant_max, rules.notify_max, rules.delay_max)
}

export function usdLimits(
  rules: Pick<SpendingRules, 'instant_max_usd' | 'notify_max_usd' | 'delay_max_usd'>,
): Edges | undefined {
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
