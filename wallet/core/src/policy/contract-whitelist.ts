import { z } from 'zod'
import { entryFields, isListed, namesNoMore, RuleAddress } from './listed-address.ts'
import type { Subject } from './policy-type.ts'
import { definePolicyType, type Opinion } from './policy-type.ts'
import { eachCovered } from './strictness.ts'

const Rules = z.strictObject({ contracts: z.array(z.strictObject({ address: RuleAddress, ...entryFields })).max(1000) })

/** Permits calls of the contracts and programs on the list, and denies all others. */
export const contractWhitelist = definePolicyType({
  type: 'CONTRACT_WHITELIST',
  description: 'Contracts and programs that may be called',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    onCalls(subject, (target) =>
      rules.contracts.some((contract) => isListed(contract, subject.network, target))
        ? { tier: 'INSTANT', permits: true, message: `Calls of ${target} are allowed.` }
        : { tier: 'DENY', code: 'CONTRACT_NOT_WHITELISTED', message: `${target} is not on the list of contracts.` },
    ),
  absent: (subject) =>
    onCalls(subject, (target) => ({
      tier: 'DENY',
      code: 'CONTRACT_CALL_DISABLED',
      message: `No policy allows calls of contracts, so not of ${target} either.`,
    })),
  asStrict: (rules, than) => eachCovered(rules?.contracts ?? [], than?.contracts ?? [], namesNoMore),
})

function onCalls(subject: Subject, opinion: (target: string) => Opinion): Opinion[] {
  return subject.effects.flatMap((effect, index) =>
    effect.kind === 'call' ? [{ effect: index, ...opinion(effect.target) }] : [],
  )
}
