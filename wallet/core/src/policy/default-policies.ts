import type { PolicyTypeName } from './policy-types.ts'

const DAY = 86_400

/**
 * What a new installation starts with: small payments at once, larger ones later or with the owner's yes.
 * Tokens, contracts and spenders stay denied until somebody allows them.
 *
 * The native limits and windows hold where no price is known. Windows ask for approval instead of denying,
 * so that the owner can always say yes.
 */
export function defaultPolicies(): { type: PolicyTypeName; rules: Record<string, unknown> }[] {
  return [
    {
      type: 'SPENDING_LIMIT',
      rules: {
        instant_max_usd: 10,
        notify_max_usd: 100,
        delay_max_usd: 1000,
        token_limits: {
          'native:solana': { instant_max: '100000000', notify_max: '1000000000', delay_max: '10000000000' },
          'native:evm': {
            instant_max: '5000000000000000',
            notify_max: '50000000000000000',
            delay_max: '500000000000000000',
          },
        },
        delay_seconds: 300,
        windows: [
          { seconds: DAY, max_usd: 1000, on_exceed: 'APPROVAL' },
          { seconds: DAY, asset: 'native:solana', max: '20000000000', on_exceed: 'APPROVAL' },
          { seconds: DAY, asset: 'native:evm', max: '1000000000000000000', on_exceed: 'APPROVAL' },
        ],
      },
    },
    { type: 'COUNTERPARTY', rules: { first_payment: 'NOTIFY', look_alike: 'APPROVAL' } },
  ]
}
