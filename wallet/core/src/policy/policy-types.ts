import { z } from 'zod'
import { allowedNetworks } from './allowed-networks.ts'
import { allowedTokens } from './allowed-tokens.ts'
import { approveAmountLimit } from './approve-amount-limit.ts'
import { approveTierOverride } from './approve-tier-override.ts'
import { approvedSpenders } from './approved-spenders.ts'
import { contractWhitelist } from './contract-whitelist.ts'
import { counterparty } from './counterparty.ts'
import { feeLimit } from './fee-limit.ts'
import { methodWhitelist } from './method-whitelist.ts'
import type { PolicyType } from './policy-type.ts'
import { rateLimit } from './rate-limit.ts'
import { spendingLimit } from './spending-limit.ts'
import { timeRestriction } from './time-restriction.ts'
import { whitelist } from './whitelist.ts'

/** Every policy type there is. A new one is a file beside this one and a line here. */
export const policyTypes = [
  spendingLimit,
  feeLimit,
  whitelist,
  counterparty,
  allowedNetworks,
  allowedTokens,
  contractWhitelist,
  methodWhitelist,
  approvedSpenders,
  approveAmountLimit,
  approveTierOverride,
  rateLimit,
  timeRestriction,
] as const satisfies readonly PolicyType[]

export type PolicyTypeName = (typeof policyTypes)[number]['type']

const byName = new Map<string, PolicyType>(policyTypes.map((type) => [type.type, type]))

export function findPolicyType(name: string): PolicyType | undefined {
  return byName.get(name)
}

export const PolicyTypeName = z.enum(policyTypes.map((type) => type.type) as [PolicyTypeName, ...PolicyTypeName[]])
