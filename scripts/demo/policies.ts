import { type CreatePolicy, defaultPolicies, parseUnits } from '@waiaas/core'

const DAY = 86_400

/**
 * The demo agent's own rules, which replace the global ones of the same type: the default limits with a short
 * delay, a hard limit for a day, and no notice for first payments, since in a demo every payment is one.
 */
export function demoPolicies(agentId: string): (Pick<CreatePolicy, 'type' | 'rules'> & { agentId: string })[] {
  const limits = defaultPolicies().find(({ type }) => type === 'SPENDING_LIMIT')
  if (limits === undefined) throw new Error('the default policies have no spending limit')
  const windows = [
    { seconds: DAY, asset: 'native:evm', max: parseUnits('10', 18)!.toString() },
    { seconds: DAY, asset: 'native:solana', max: parseUnits('100', 9)!.toString() },
  ]
  return [
    { agentId, type: limits.type, rules: { ...limits.rules, delay_seconds: 60, windows } },
    { agentId, type: 'COUNTERPARTY', rules: { first_payment: 'INSTANT', look_alike: 'APPROVAL' } },
  ]
}
