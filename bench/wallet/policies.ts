import type { CreatePolicy } from '@waiaas/core'

type AgentPolicy = Pick<CreatePolicy, 'type' | 'rules'>

const DAY = 86_400
/** More than any measurement spends, in base units of either chain. */
const PLENTY = (10n ** 24n).toString()

/** Real rules of five kinds, windows included, none of which stands in the way of a measurement. */
export function perAgentPolicies(): AgentPolicy[] {
  const limits = { instant_max: PLENTY, notify_max: PLENTY, delay_max: PLENTY }
  return [
    {
      type: 'SPENDING_LIMIT',
      rules: {
        token_limits: { 'native:evm': limits, 'native:solana': limits },
        windows: [
          { seconds: DAY, asset: 'native:evm', max: PLENTY },
          { seconds: DAY, asset: 'native:solana', max: PLENTY },
        ],
      },
    },
    { type: 'COUNTERPARTY', rules: { first_payment: 'INSTANT', look_alike: 'INSTANT' } },
    { type: 'RATE_LIMIT', rules: { max_requests: 1_000_000, window_seconds: 3600 } },
    { type: 'ALLOWED_NETWORKS', rules: { networks: [{ network: 'evm-local' }, { network: 'solana-local' }] } },
  ]
}
