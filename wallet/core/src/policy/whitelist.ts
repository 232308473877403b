import { z } from 'zod'
import { type Effect, isRevocation } from '../effect.ts'
import { comparable, RuleAddress } from './listed-address.ts'
import { definePolicyType } from './policy-type.ts'

const Rules = z.strictObject({
  allowed_addresses: z
    .array(RuleAddress)
    .max(10_000)
    .transform((addresses): ReadonlySet<string> => new Set(addresses)),
})

/** Denies every address that is not on the list. An empty list allows nobody. */
export const whitelist = definePolicyType({
  type: 'WHITELIST',
  description: 'Only these recipients, spenders and contracts',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    subject.effects.flatMap((effect, index) => {
      const target = targetOf(effect)
      if (target === undefined || rules.allowed_addresses.has(comparable(target))) return []
      const message = `${target} is not on the allow-list.`
      return [{ effect: index, tier: 'DENY' as const, code: 'WHITELIST_DENIED', message }]
    }),
  asStrict: (rules, than) => {
    if (than === undefined) return true
    return rules !== undefined && [...rules.allowed_addresses].every((address) => than.allowed_addresses.has(address))
  },
})

/** Whom an effect reaches; `undefined` where it reaches nobody. What cannot be read may reach anybody. */
function targetOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'spend':
      return effect.to
    case 'grant':
      return isRevocation(effect) ? undefined : effect.spender
    case 'call':
      return effect.target
    case 'opaque':
      return 'an address that cannot be read'
    case 'deploy':
    case 'sign':
      return undefined
  }
}
