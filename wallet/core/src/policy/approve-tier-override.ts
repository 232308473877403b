import { z } from 'zod'
import { isRevocation } from '../effect.ts'
import { Tier } from '../verdict.ts'
import { onGrants } from './grants.ts'
import { definePolicyType, type Subject } from './policy-type.ts'
import { tierAsStrict } from './strictness.ts'

const Rules = z.strictObject({ tier: Tier })

const WITHOUT: Tier = 'APPROVAL'

/** The tier of a grant, other than one of nothing. Without such a policy the owner approves every one. */
export const approveTierOverride = definePolicyType({
  type: 'APPROVE_TIER_OVERRIDE',
  description: 'Tier of a right to take tokens, instead of APPROVAL',
  rules: Rules,
  ask: () => [],
  judge: ({ tier }, subject) => tierOfGrants(tier, subject),
  absent: (subject) => tierOfGrants(WITHOUT, subject),
  asStrict: (rules, than) => tierAsStrict(rules?.tier ?? WITHOUT, than?.tier ?? WITHOUT),
})

function tierOfGrants(tier: Tier, subject: Subject) {
  const message = `A right to take tokens is given with the tier ${tier}.`
  return onGrants(subject, (grant) => (isRevocation(grant) ? undefined : { tier, message }))
}
