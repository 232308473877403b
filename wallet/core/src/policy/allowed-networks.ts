import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import { definePolicyType } from './policy-type.ts'

const Rules = z.strictObject({ networks: z.array(z.strictObject({ network: NetworkRef })) })

/** Denies every network that is not on the list. */
export const allowedNetworks = definePolicyType({
  type: 'ALLOWED_NETWORKS',
  description: 'Only these networks',
  rules: Rules,
  raises: true,
  ask: () => [],
  judge: (rules, subject) => {
    if (rules.networks.some(({ network }) => network === subject.network)) return []
    return [{ tier: 'DENY', code: 'POLICY_DENIED', message: `The network ${subject.network} is not allowed.` }]
  },
})
