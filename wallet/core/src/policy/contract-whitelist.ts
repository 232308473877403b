import { z } from 'zod'
import { networkOf } from '../network.ts'
import { entryFields, isListed, namesNoMore, RuleAddress } from './listed-address.ts'
import type { Subject } from './policy-type.ts'
import { definePolicyType, type Opinion } from './policy-type.ts'
import { eachCovered } from './strictness.ts'

const Rules = z.strictObject({ contracts: z.array(z.strictObject({ address: RuleAddress, ...entryFields })).max(1000) })

/**
 * Permits calls of the contracts and programs on the list, and denies all others. A payment to a contract runs its
 * code: where that is all that happens, the owner decides about contracts that are not on the list.
 */
export const contractWhitelist = definePolicyType({
  type: 'CONTRACT_WHITELIST',
  description: 'Contracts and programs that may be called',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    onCalls(subject, (target) =>
      rules.contracts.some((contract) => isListed(contract, subject.network, target))
        ? { tier: 'INSTANT', permits: true, message: `Calls of ${target} are allowed.` }
        : isPayment(subject)
          ? paidContract(target)
          : { tier: 'DENY', code: 'CONTRACT_NOT_WHITELISTED', message: `${target} is not on the list of contracts.` },
    ),
  absent: (subject) =>
    onCalls(subject, (target) => {
      if (isPayment(subject)) return paidContract(target)
      const message = `No policy allows calls of contracts, so not of ${target} either.`
      return { tier: 'DENY', code: 'CONTRACT_CALL_DISABLED', message }
    }),
  asStrict: (rules, than) => eachCovered(rules?.contracts ?? [], than?.contracts ?? [], namesNoMore),
})

/** A payment in the native coin to an account with code, and nothing beside it: no other outflow, right or doubt. */
function isPayment({ network, effects }: Subject): boolean {
  const [spend, call, ...others] = effects
  return (
    networkOf(network).paymentsRunCode &&
    others.length === 0 &&
    spend?.kind === 'spend' &&
    spend.asset.address === undefined &&
    call?.kind === 'call' &&
    call.selector === '0x' &&
    call.target === spend.to
  )
}

function paidContract(target: string): Opinion {
  const message = `${target} is a contract, whose code runs when it is paid; the owner decides.`
  return { tier: 'APPROVAL', permits: true, message }
}

function onCalls(subject: Subject, opinion: (target: string) => Opinion): Opinion[] {
  return subject.effects.flatMap((effect, index) =>
    effect.kind === 'call' ? [{ effect: index, ...opinion(effect.target) }] : [],
  )
}
