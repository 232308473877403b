import { z } from 'zod'
import { parseAddress } from '../address.ts'
import type { Effect } from '../effect.ts'
import { networkOf } from '../network.ts'
import { definePolicyType } from './policy-type.ts'

const Address = z.string().refine((text) => parseAddress('evm', text).ok || parseAddress('solana', text).ok, {
  message: 'is neither an EVM nor a Solana address, or its checksum does not match',
})

const Rules = z.strictObject({ allowed_addresses: z.array(Address).max(10_000) })

/** Denies every address that is not on the list. An empty list allows nobody. */
export const whitelist = definePolicyType({
  type: 'WHITELIST',
  description: 'Only these recipients, spenders and contracts',
  rules: Rules,
  raises: true,
  ask: () => [],
  judge: (rules, subject) => {
    const family = networkOf(subject.network).family
    const canonical = (text: string) => {
      const parsed = parseAddress(family, text)
      return parsed.ok ? parsed.address : undefined
    }
    const allowed = new Set(rules.allowed_addresses.map(canonical).filter((address) => address !== undefined))
    return subject.effects.flatMap((effect, index) => {
      const target = targetOf(effect)
      if (target === undefined) return []
      const address = canonical(target)
      if (address !== undefined && allowed.has(address)) return []
      const message = `${target} is not on the allow-list.`
      return [{ effect: index, tier: 'DENY' as const, code: 'WHITELIST_DENIED', message }]
    })
  },
})

/** Whom an effect reaches; `undefined` where it reaches nobody. What cannot be read may reach anybody. */
function targetOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'spend':
      return effect.to
    case 'grant':
      return effect.spender
    case 'call':
      return effect.target
    case 'opaque':
      return 'an address that cannot be read'
    case 'deploy':
    case 'sign':
      return undefined
  }
}
