import { z } from 'zod'
import { formatUnits, HumanAmount, parseUnits } from '../amount.ts'
import { networkOf } from '../network.ts'
import { definePolicyType, type Opinion, type Subject } from './policy-type.ts'

/** No native coin has fewer. */
const FEWEST_DECIMALS = 9

const Percent = z.number().int().min(100).max(1_000_000)
const Fields = z.strictObject({
  /** Of the fee at the market price. */
  approval_above_percent: Percent.default(300),
  deny_above_percent: Percent.default(1000),
  /** Human units of the native coin. A fee up to this is not compared, for where gas is nearly free any fee is far above it. */
  ignored_up_to: HumanAmount.refine((text) => parseUnits(text, FEWEST_DECIMALS) !== undefined, {
    message: `has more than ${FEWEST_DECIMALS} decimals`,
  }).default('0.002'),
})
const Rules = Fields.refine((rules) => rules.approval_above_percent <= rules.deny_above_percent, {
  message: 'approval_above_percent must not be above deny_above_percent',
})
type Rules = z.output<typeof Rules>

const usual: Rules = Fields.parse({})

/**
 * How far above the market price the fee may be of a transaction that was made elsewhere. Fees that the daemon sets
 * are at the market price. Without such a policy the defaults hold.
 */
export const feeLimit = definePolicyType({
  type: 'FEE_LIMIT',
  description: 'Fees far above the market price, in transactions made elsewhere',
  rules: Rules,
  ask: () => [],
  judge: judgeFee,
  absent: (subject) => judgeFee(usual, subject),
  asStrict: (rules = usual, than = usual) =>
    rules.approval_above_percent <= than.approval_above_percent &&
    rules.deny_above_percent <= than.deny_above_percent &&
    parseUnits(rules.ignored_up_to, FEWEST_DECIMALS)! <= parseUnits(than.ignored_up_to, FEWEST_DECIMALS)!,
})

function judgeFee(rules: Rules, { network, maxFee, marketFee }: Subject): Opinion[] {
  const { native } = networkOf(network)
  if (marketFee === undefined || maxFee <= parseUnits(rules.ignored_up_to, native.decimals)!) return []
  const isAbove = (percent: number) => maxFee * 100n > marketFee * BigInt(percent)
  if (!isAbove(rules.approval_above_percent)) return []
  const text = (amount: bigint) => `${formatUnits(amount, native.decimals)} ${native.symbol}`
  const message = `The fee may be ${text(maxFee)}; at the market price it is at most ${text(marketFee)}`
  return isAbove(rules.deny_above_percent)
    ? [{ tier: 'DENY', code: 'FEE_TOO_HIGH', message: `${message}.` }]
    : [{ tier: 'APPROVAL', message: `${message}; the owner decides.` }]
}
