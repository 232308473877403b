import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { definePolicyType } from './policy-type.ts'
import { eachCovered } from './strictness.ts'

const Rules = z.strictObject({ networks: z.array(z.strictObject({ network: NetworkRef })) })

/** Denies every network that is not on the list. */
export const allowedNetworks = definePolicyType({
  type: 'ALLOWED_NETWORKS',
  description: 'Only these networks',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) => {
    if (rules.networks.some(({ network }) => network === subject.network)) return []
    return [{ tier: 'DENY', code: 'POLICY_DENIED', message: `The network ${subject.network} is not allowed.` }]
  },
  asStrict: (rules, than) => {
    if (than === undefined) return true
    if (rules === undefined) return false
    return eachCovered(rules.networks, than.networks, (a, b) => a.network === b.network)
  },
})
