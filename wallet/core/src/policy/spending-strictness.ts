import { type NetworkName, networkNames } from '../network.ts'
import { defaultWaits } from './policy-type.ts'
import {
  type AssetName,
  dollarsAloneCount,
  type Edges,
  limitsFor,
  type SpendingRules,
  usdLimits,
  type Window,
} from './spending-rules.ts'
import { eachCovered } from './strictness.ts'

/** The highest amounts of INSTANT, NOTIFY and DELAY. */
type Ceilings = readonly [bigint, bigint, bigint]

const NEVER: Ceilings = [-1n, -1n, -1n]
const ALWAYS: Ceilings = [1n << 512n, 1n << 512n, 1n << 512n]

/** SPENDING_LIMIT's side of `PolicyType.asStrict`. */
export function limitsAsStrict(rules: SpendingRules | undefined, than: SpendingRules | undefined): boolean {
  if (than === undefined) return rules === undefined
  if (rules === undefined) {
    const { delaySeconds, approvalSeconds } = defaultWaits
    return than.windows.length === 0 && than.delay_seconds <= delaySeconds && than.approval_timeout >= approvalSeconds
  }
  return (
    rules.delay_seconds >= than.delay_seconds &&
    rules.approval_timeout <= than.approval_timeout &&
    eachCovered(than.windows.flatMap(caps), rules.windows.flatMap(caps), isHeldBy) &&
    assetsToCompare(rules, than).every((asset) => assetAsStrict(asset, rules, than))
  )
}

/** Every asset that either policy can tell from others: all native coins, the tokens they name, and one that they do not. */
function assetsToCompare(...policies: SpendingRules[]): AssetName[] {
  const keysOf = ({ token_limits, windows }: SpendingRules) => [
    ...Object.keys(token_limits),
    ...windows.map(({ asset }) => asset),
  ]
  const named = new Set(policies.flatMap(keysOf))
  const tokens = [...named].flatMap((key): AssetName[] => {
    const [network, address] = key.split('/') as [NetworkName, string | undefined]
    return address === undefined || address === 'native' ? [] : [{ network, address }]
  })
  const unnamed = { network: networkNames[0], address: 'any other' }
  return [...networkNames.map((network) => ({ network })), ...tokens, unnamed]
}

/** Holds with and without a price, and whatever the price. */
function assetAsStrict(asset: AssetName, rules: SpendingRules, than: SpendingRules): boolean {
  const [limits, before] = [limitsFor(rules, asset), limitsFor(than, asset)]
  if (asset.address !== undefined && limits !== undefined && before === undefined) return false
  if (dollarsAloneCount(than, asset) && !dollarsAloneCount(rules, asset)) return false
  const [usd, usdBefore] = [usdLimits(rules), usdLimits(than)]
  const priced = (own: Edges | undefined, dollars: Edges | undefined) =>
    own === undefined && dollars !== undefined ? ALWAYS : ceilings(own, NEVER)
  const feeAsStrict = asset.address !== undefined || isBelow(ceilings(limits, ALWAYS), ceilings(before, ALWAYS))
  return (
    feeAsStrict &&
    isBelow(ceilings(limits, NEVER), ceilings(before, NEVER)) &&
    isBelow(priced(limits, usd), priced(before, usdBefore)) &&
    isBelow(ceilings(usd, ALWAYS), ceilings(usdBefore, ALWAYS))
  )
}

function ceilings(edges: Edges | undefined, absent: Ceilings): Ceilings {
  if (edges === undefined) return absent
  const instant = edges.instant ?? -1n
  const notify = edges.notify !== undefined && edges.notify > instant ? edges.notify : instant
  return [instant, notify, edges.delay !== undefined && edges.delay > notify ? edges.delay : notify]
}

function isBelow(ceilings: Ceilings, others: Ceilings): boolean {
  return ceilings.every((ceiling, index) => ceiling <= others[index]!)
}

type Cap = { of: string; seconds: number; most: bigint; denies: boolean }

/** A window's limits one by one. */
function caps({ seconds, asset, on_exceed, max, max_usd, max_count }: Window): Cap[] {
  const cap = (of: string, most: bigint | undefined): Cap[] =>
    most === undefined ? [] : [{ of, seconds, most, denies: on_exceed === 'DENY' }]
  const count = max_count === undefined ? undefined : BigInt(max_count)
  return [...cap(`units of ${asset}`, max), ...cap('dollars', max_usd), ...cap('transactions', count)]
}

/** What breaks `cap` breaks `other` too, with no milder consequence. */
function isHeldBy(cap: Cap, other: Cap): boolean {
  if (cap.of !== other.of || (cap.denies && !other.denies)) return false
  return other.seconds >= cap.seconds && other.most <= cap.most
}
