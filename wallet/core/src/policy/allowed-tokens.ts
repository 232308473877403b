import { z } from 'zod'
import { entryFields, isListed, namesNoMore, RuleAddress } from './listed-address.ts'
import { definePolicyType } from './policy-type.ts'
import { eachCovered } from './strictness.ts'

const Rules = z.strictObject({
  tokens: z
    .array(z.strictObject({ address: RuleAddress, symbol: z.string().max(32).optional(), ...entryFields }))
    .max(1000),
})

/** Permits payments in the tokens on the list. How large they may be, SPENDING_LIMIT says. */
export const allowedTokens = definePolicyType({
  type: 'ALLOWED_TOKENS',
  description: 'Tokens that may be paid with',
  rules: Rules,
  ask: () => [],
  judge: (rules, subject) =>
    subject.effects.flatMap((effect, index) => {
      if (effect.kind !== 'spend' || effect.asset.address === undefined) return []
      const { address, symbol } = effect.asset
      if (!rules.tokens.some((token) => isListed(token, subject.network, address))) return []
      return [
        { effect: index, tier: 'INSTANT' as const, permits: true as const, message: `The token ${symbol} is allowed.` },
      ]
    }),
  tokens: (rules, network) =>
    rules.tokens.filter((token) => isListed(token, network, token.address)).map(({ address }) => address),
  asStrict: (rules, than) => eachCovered(rules?.tokens ?? [], than?.tokens ?? [], namesNoMore),
})
