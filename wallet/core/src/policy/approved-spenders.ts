import { z } from 'zod'
import { BaseUnits, humanUnits } from '../amount.ts'
import { isRevocation } from '../effect.ts'
import { type Grant, grantText, onGrants } from './grants.ts'
import { entryFields, isListed, namesNoMore, RuleAddress } from './listed-address.ts'
import { definePolicyType, type Opinion } from './policy-type.ts'
import { eachCovered } from './strictness.ts'

const Rules = z.strictObject({
  spenders: z
    .array(
      z.strictObject({
        address: RuleAddress,
        /** Base units of whatever token is granted. */
        maxAmount: BaseUnits.transform(BigInt).optional(),
        ...entryFields,
      }),
    )
    .max(1000),
})
type Spender = z.output<typeof Rules>['spenders'][number]

/** Permits grants to the spenders on the list, and denies all others. Rights may always be taken back. */
export const approvedSpenders = definePolicyType({
  type: 'APPROVED_SPENDERS',
  description: 'Who may be given the right to take tokens',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    onGrants(subject, (grant, total): Opinion => {
      if (isRevocation(grant)) return revocation(grant)
      const entries = rules.spenders.filter((entry) => isListed(entry, subject.network, grant.spender))
      if (entries.length === 0) {
        const message = `${grant.spender} is not on the list of spenders.`
        return { tier: 'DENY', code: 'SPENDER_NOT_APPROVED', message }
      }
      const limit = highest(entries)
      if (limit === undefined || total <= limit) {
        return { tier: 'INSTANT', permits: true, message: `${grant.spender} is an approved spender.` }
      }
      const { asset, spender } = grant
      const most = `${humanUnits(limit, asset)} ${asset.symbol}`
      const message = `${spender} may be granted at most ${most}; this grants ${grantText(asset, total)}.`
      return { tier: 'DENY', code: 'APPROVE_AMOUNT_EXCEEDED', message }
    }),
  absent: (subject) =>
    onGrants(subject, (grant) => {
      if (isRevocation(grant)) return revocation(grant)
      const message = `No policy allows to give anybody the right to take tokens, so not ${grant.spender} either.`
      return { tier: 'DENY', code: 'APPROVE_DISABLED', message }
    }),
  asStrict: (rules, than) => eachCovered(rules?.spenders ?? [], than?.spenders ?? [], isWithin),
})

/** Allowed with and without a policy, whoever is on the list. */
function revocation({ asset, spender }: Grant): Opinion {
  return { tier: 'INSTANT', permits: true, message: `${spender} may take no more ${asset.symbol} by this.` }
}

/** `undefined`: no limit. */
function highest(entries: readonly Spender[]): bigint | undefined {
  return entries.reduce<bigint | undefined>(
    (most, { maxAmount }) =>
      most === undefined || maxAmount === undefined ? undefined : maxAmount > most ? maxAmount : most,
    entries[0]?.maxAmount,
  )
}

function isWithin(entry: Spender, other: Spender): boolean {
  if (!namesNoMore(entry, other)) return false
  return other.maxAmount === undefined || (entry.maxAmount !== undefined && entry.maxAmount <= other.maxAmount)
}
