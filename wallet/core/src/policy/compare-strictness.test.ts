import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tiers } from '../verdict.ts'
import { compareStrictness } from './compare-strictness.ts'
import type { Verdict } from './evaluate.ts'
import {
  anyPast,
  anyPolicies,
  anySubject,
  PAYEE,
  policy,
  STRANGER,
  twoPolicySets,
  typesWithRules,
  verdictOf,
} from './policies.fixture.ts'
import { policyTypes } from './policy-types.ts'

const rank = ({ tier }: Verdict) => tiers.indexOf(tier)

test('the properties are tried with every type', () => {
  expect(typesWithRules.toSorted()).toEqual(policyTypes.map(({ type }) => type).toSorted())
})

describe('tighter is a promise', () => {
  const promise = (pair: typeof twoPolicySets | fc.Arbitrary<readonly [never[], never[]]>) =>
    fc.property(pair as typeof twoPolicySets, anySubject, anyPast, ([one, two], subject, past) => {
      const order = compareStrictness(one, two)
      if (order === 'incomparable') return
      const [before, after] = [verdictOf(one, subject, past), verdictOf(two, subject, past)]
      if (order !== 'looser') {
        expect(rank(after), `${order}: ${JSON.stringify(after.reasons)}`).toBeGreaterThanOrEqual(rank(before))
        if (before.tier === 'DELAY' && after.tier === 'DELAY')
          expect(after.delaySeconds >= before.delaySeconds).toBe(true)
      }
      if (order !== 'tighter') {
        expect(rank(after), `${order}: ${JSON.stringify(before.reasons)}`).toBeLessThanOrEqual(rank(before))
        if (before.tier === 'DELAY' && after.tier === 'DELAY')
          expect(after.delaySeconds <= before.delaySeconds).toBe(true)
      }
    })

  test('nothing passes faster under a set called tighter, nor is held longer under one called looser', () => {
    fc.assert(promise(twoPolicySets), { numRuns: 1500 })
  })

  test('whatever the two sets are', () => {
    fc.assert(promise(fc.tuple(anyPolicies, anyPolicies) as never), { numRuns: 500 })
  })

  test('a set equals itself, and turning the question round turns the answer round', () => {
    const turned = { equal: 'equal', tighter: 'looser', looser: 'tighter', incomparable: 'incomparable' } as const
    fc.assert(
      fc.property(twoPolicySets, ([one, two]) => {
        expect(compareStrictness(one, one)).toBe('equal')
        expect(compareStrictness(two, one)).toBe(turned[compareStrictness(one, two)])
      }),
    )
  })
})

const limit = (rules: Record<string, unknown>) => policy('SPENDING_LIMIT', rules)
const window = (seconds: number, max: string, on_exceed = 'DENY') => ({ seconds, max, on_exceed })

test.each([
  ['a lower limit', limit({ instant_max: '10' }), limit({ instant_max: '9' }), 'tighter'],
  ['a higher limit', limit({ instant_max: '10' }), limit({ instant_max: '11' }), 'looser'],
  [
    'one up, one down',
    limit({ instant_max: '10', delay_max: '20' }),
    limit({ instant_max: '9', delay_max: '21' }),
    'incomparable',
  ],
  [
    'a longer delay',
    limit({ delay_max: '1', delay_seconds: 60 }),
    limit({ delay_max: '1', delay_seconds: 61 }),
    'tighter',
  ],
  ['a window more', limit({ instant_max: '1' }), limit({ instant_max: '1', windows: [window(60, '1')] }), 'tighter'],
  [
    'a window that asks instead of denying',
    limit({ instant_max: '1', windows: [window(60, '1')] }),
    limit({ instant_max: '1', windows: [window(60, '1', 'APPROVAL')] }),
    'looser',
  ],
  [
    'the same limit over a longer time',
    limit({ instant_max: '1', windows: [window(60, '1')] }),
    limit({ instant_max: '1', windows: [window(61, '1')] }),
    'tighter',
  ],
  [
    'a window in units beside one in dollars, which lets pass what has no price',
    limit({ instant_max: '1', windows: [{ seconds: 60, max_usd: 1 }] }),
    limit({ instant_max: '1', windows: [{ seconds: 60, max_usd: 1 }, window(60, '1')] }),
    'incomparable',
  ],
  [
    'dollar limits besides',
    limit({ instant_max: '1' }),
    limit({ instant_max: '1', instant_max_usd: 1 }),
    'incomparable',
  ],
  [
    'a token named',
    limit({ instant_max: '1' }),
    limit({
      instant_max: '1',
      token_limits: { 'evm-local/0x5fbdb2315678afecb367f032d93f642f64180aa3': { instant_max: '1' } },
    }),
    'looser',
  ],
  [
    'the same address in capitals',
    policy('WHITELIST', { allowed_addresses: [PAYEE] }),
    policy('WHITELIST', { allowed_addresses: [PAYEE.toLowerCase()] }),
    'equal',
  ],
  [
    'another address',
    policy('WHITELIST', { allowed_addresses: [PAYEE] }),
    policy('WHITELIST', { allowed_addresses: [STRANGER] }),
    'incomparable',
  ],
  [
    'fewer days',
    policy('TIME_RESTRICTION', { allowed_days: [1, 2] }),
    policy('TIME_RESTRICTION', { allowed_days: [1], allowed_hours: { start: 22, end: 6 } }),
    'tighter',
  ],
  [
    'a contract on one network instead of all',
    policy('CONTRACT_WHITELIST', { contracts: [{ address: PAYEE }] }),
    policy('CONTRACT_WHITELIST', { contracts: [{ address: PAYEE, network: 'evm-local' }] }),
    'tighter',
  ],
  [
    'a method less',
    policy('METHOD_WHITELIST', { methods: [{ contractAddress: PAYEE, selectors: ['0xa9059cbb', '0x'] }] }),
    policy('METHOD_WHITELIST', { methods: [{ contractAddress: PAYEE, selectors: ['0xA9059CBB'] }] }),
    'tighter',
  ],
  [
    'a milder tier',
    policy('APPROVE_TIER_OVERRIDE', { tier: 'DENY' }),
    policy('APPROVE_TIER_OVERRIDE', { tier: 'DELAY' }),
    'looser',
  ],
  [
    'a row that cannot be read',
    policy('WHITELIST', { allowed_addresses: [PAYEE] }),
    policy('WHITELIST', {}),
    'tighter',
  ],
] as const)('%s', (_what, old, next, order) => {
  expect(compareStrictness([old], [next])).toBe(order)
})

test.each([
  ['SPENDING_LIMIT', { instant_max: '1' }, 'looser'],
  ['WHITELIST', { allowed_addresses: [PAYEE] }, 'tighter'],
  ['COUNTERPARTY', {}, 'tighter'],
  ['ALLOWED_NETWORKS', { networks: [] }, 'tighter'],
  ['ALLOWED_TOKENS', { tokens: [{ address: PAYEE }] }, 'looser'],
  ['CONTRACT_WHITELIST', { contracts: [{ address: PAYEE }] }, 'looser'],
  ['METHOD_WHITELIST', { methods: [{ contractAddress: PAYEE, selectors: [] }] }, 'tighter'],
  ['APPROVED_SPENDERS', { spenders: [{ address: PAYEE }] }, 'looser'],
  ['APPROVE_AMOUNT_LIMIT', { blockUnlimited: false }, 'looser'],
  ['APPROVE_AMOUNT_LIMIT', { maxAmount: '1' }, 'tighter'],
  ['APPROVE_TIER_OVERRIDE', { tier: 'NOTIFY' }, 'looser'],
  ['RATE_LIMIT', { max_requests: 1, window_seconds: 60 }, 'tighter'],
  ['TIME_RESTRICTION', { allowed_days: [1] }, 'tighter'],
] as const)('a first %s %j is %s', (type, rules, order) => {
  expect(compareStrictness([], [policy(type, rules)])).toBe(order)
})

test('a row for one agent counts for that agent only, whatever the others have', () => {
  const strict = policy('WHITELIST', { allowed_addresses: [] })
  const mild = policy('WHITELIST', { allowed_addresses: [PAYEE] }, { id: 'mine', agentId: 'me' })
  expect(compareStrictness([strict], [strict, mild])).toBe('looser')
  expect(compareStrictness([strict, mild], [strict, { ...mild, enabled: false }])).toBe('tighter')
  expect(compareStrictness([strict], [strict, { ...mild, enabled: false }])).toBe('equal')
})
