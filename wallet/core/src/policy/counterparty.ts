import { z } from 'zod'
import { type Effect, isRevocation } from '../effect.ts'
import { Tier } from '../verdict.ts'
import { definePolicyType } from './policy-type.ts'
import { tierAsStrict } from './strictness.ts'

const Rules = z.strictObject({ first_payment: Tier.default('NOTIFY'), look_alike: Tier.default('APPROVAL') })

const none: z.output<typeof Rules> = { first_payment: 'INSTANT', look_alike: 'INSTANT' }

/** Raises the first payment to an address, and payments to an address that imitates a known one. */
export const counterparty = definePolicyType({
  type: 'COUNTERPARTY',
  description: 'First payment to an address, and look-alikes of known addresses',
  rules: Rules,
  ask: (_rules, subject) =>
    subject.effects
      .map(payee)
      .filter((address) => address !== undefined)
      .map((address) => ({ kind: 'counterparty', address })),
  judge: (rules, subject, facts) =>
    subject.effects.flatMap((effect, index) => {
      const address = payee(effect)
      if (address === undefined) return []
      const found = facts.counterparties.get(address)
      if (found === undefined) throw new Error(`question not answered: counterparty ${address}`)
      if (found.known) return []
      const twin = found.lookAlikes[0]
      if (twin !== undefined) {
        const message = `${address} looks like ${twin}, which was paid before, but is another address.`
        return [{ effect: index, tier: rules.look_alike, message }]
      }
      const message = `First payment to ${address}.`
      return [{ effect: index, tier: rules.first_payment, message }]
    }),
  asStrict: (rules = none, than = none) =>
    tierAsStrict(rules.first_payment, than.first_payment) && tierAsStrict(rules.look_alike, than.look_alike),
})

/** Who gets money, or the right to take it. */
function payee(effect: Effect): string | undefined {
  if (effect.kind === 'spend') return effect.to
  return effect.kind === 'grant' && !isRevocation(effect) ? effect.spender : undefined
}
