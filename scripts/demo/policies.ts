import type { CreatePolicy } from '@waiaas/core'

/**
 * The demo agent's own rules, which replace the global ones of the same type: the default limits, a hard limit
 * for a day on top, and no notice for first payments, since in a demo every payment is one.
 */
export function demoPolicies(agentId: string): (Pick<CreatePolicy, 'type' | 'rules'> & { agentId: string })[] {
  const ether = (amount: number) => (BigInt(Math.round(amount * 1000)) * 10n ** 15n).toString()
  const sol = (amount: number) => (BigInt(Math.round(amount * 1000)) * 10n ** 6n).toString()
  const day = 86_400
  return [
    {
      agentId,
      type: 'SPENDING_LIMIT',
      rules: {
        instant_max_usd: 10,
        notify_max_usd: 100,
        delay_max_usd: 1000,
        token_limits: {
          'native:evm': { instant_max: ether(0.005), notify_max: ether(0.05), delay_max: ether(0.5) },
          'native:solana': { instant_max: sol(0.1), notify_max: sol(1), delay_max: sol(10) },
        },
        delay_seconds: 60,
        windows: [
          { seconds: day, asset: 'native:evm', max: ether(10) },
          { seconds: day, asset: 'native:solana', max: sol(100) },
        ],
      },
    },
    { agentId, type: 'COUNTERPARTY', rules: { first_payment: 'INSTANT', look_alike: 'APPROVAL' } },
  ]
}
