import { z } from 'zod'
import { comparable, RuleAddress } from './listed-address.ts'
import { definePolicyType } from './policy-type.ts'

/** Leading bytes of a call's data, as the effect shows them; `0x` is a call without data. */
const Selector = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2}){0,8}$/, 'must be a selector such as 0xa9059cbb')
  .toLowerCase()

const Rules = z.strictObject({
  methods: z.array(z.strictObject({ contractAddress: RuleAddress, selectors: z.array(Selector).max(200) })).max(1000),
})
type Rules = z.output<typeof Rules>

/** Denies other methods than those listed for a contract. A contract without an entry is not restricted. */
export const methodWhitelist = definePolicyType({
  type: 'METHOD_WHITELIST',
  description: 'Methods of contracts that may be called',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    subject.effects.flatMap((effect, index) => {
      if (effect.kind !== 'call') return []
      const allowed = selectorsOf(rules, comparable(effect.target))
      if (allowed === undefined || allowed.has(effect.selector.toLowerCase())) return []
      const message = `The method ${effect.selector} of ${effect.target} is not on the list.`
      return [{ effect: index, tier: 'DENY' as const, code: 'METHOD_NOT_WHITELISTED', message }]
    }),
  asStrict: (rules, than) =>
    (than?.methods ?? []).every(({ contractAddress }) => {
      const now = rules === undefined ? undefined : selectorsOf(rules, contractAddress)
      const before = selectorsOf(than!, contractAddress)!
      return now !== undefined && [...now].every((selector) => before.has(selector))
    }),
})

/** The selectors of all entries for a contract; `undefined` where it has none. */
function selectorsOf(rules: Rules, contract: string): ReadonlySet<string> | undefined {
  const entries = rules.methods.filter(({ contractAddress }) => contractAddress === contract)
  return entries.length === 0 ? undefined : new Set(entries.flatMap(({ selectors }) => selectors))
}
