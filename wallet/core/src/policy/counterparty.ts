import { z } from 'zod'
import { Tier } from '../verdict.ts'
import { definePolicyType } from './policy-type.ts'

const Rules = z.strictObject({ first_payment: Tier.default('NOTIFY'), look_alike: Tier.default('APPROVAL') })

/** Raises the first payment to an address, and payments to an address that imitates a known one. */
export const counterparty = definePolicyType({
  type: 'COUNTERPARTY',
  description: 'First payment to an address, and look-alikes of known addresses',
  rules: Rules,
  raises: true,
  ask: (_rules, subject) =>
    subject.effects.flatMap((effect) =>
      effect.kind === 'spend' ? [{ kind: 'counterparty' as const, address: effect.to }] : [],
    ),
  judge: (rules, subject, facts) =>
    subject.effects.flatMap((effect, index) => {
      if (effect.kind !== 'spend') return []
      const found = facts.counterparties.get(effect.to)
      if (found?.known === true) return []
      const twin = found?.lookAlikes[0]
      if (twin !== undefined) {
        const message = `${effect.to} looks like ${twin}, which was paid before, but is another address.`
        return [{ effect: index, tier: rules.look_alike, message }]
      }
      return [{ effect: index, tier: rules.first_payment, message: `First payment to ${effect.to}.` }]
    }),
})
