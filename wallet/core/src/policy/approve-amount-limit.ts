import { z } from 'zod'
import { BaseUnits, humanUnits } from '../amount.ts'
import { grantText, isUnlimited, onGrants } from './grants.ts'
import { definePolicyType, type Opinion, type Subject } from './policy-type.ts'

const Rules = z.strictObject({
  /** Base units of whatever token is granted. */
  maxAmount: BaseUnits.transform(BigInt).optional(),
  blockUnlimited: z.boolean().default(true),
})
type Rules = z.output<typeof Rules>

const none: Rules = { maxAmount: undefined, blockUnlimited: true }

/** How much may be granted. Unlimited grants are blocked unless a policy says otherwise. */
export const approveAmountLimit = definePolicyType({
  type: 'APPROVE_AMOUNT_LIMIT',
  description: 'How much anybody may be given the right to take',
  rules: Rules,
  ask: () => [],
  judge: judgeGrants,
  absent: (subject) => judgeGrants(none, subject),
  asStrict: (rules = none, than = none) => {
    if (than.blockUnlimited && !rules.blockUnlimited) return false
    return than.maxAmount === undefined || (rules.maxAmount !== undefined && rules.maxAmount <= than.maxAmount)
  },
})

function judgeGrants(rules: Rules, subject: Subject): Opinion[] {
  return onGrants(subject, ({ asset, spender }, total) => {
    if (rules.blockUnlimited && isUnlimited(asset, total)) {
      const message = `This would let ${spender} take an unlimited amount of ${asset.symbol}.`
      return { tier: 'DENY', code: 'UNLIMITED_APPROVE_BLOCKED', message }
    }
    if (rules.maxAmount === undefined || total <= rules.maxAmount) return undefined
    const limit = `${humanUnits(rules.maxAmount, asset)} ${asset.symbol}`
    const message = `This grants ${grantText(asset, total)}; the limit is ${limit}.`
    return { tier: 'DENY', code: 'APPROVE_AMOUNT_EXCEEDED', message }
  })
}
