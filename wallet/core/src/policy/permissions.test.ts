import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Effect } from '../effect.ts'
import { tiers } from '../verdict.ts'
import { evaluate, type Policy, questionsFor, readPolicy } from './evaluate.ts'
import {
  anyPast,
  anyPolicies,
  anySubject,
  eth,
  factsOf,
  otherToken,
  PAYEE,
  policy,
  STRANGER,
  token,
  UNLIMITED,
  verdictOf,
} from './policies.fixture.ts'
import type { Subject } from './policy-type.ts'

const past = {
  now: 1_800_000_000,
  totals: [0n, 0n] as [bigint, bigint],
  prices: new Map(),
  strangers: [],
  lookAlikes: [],
}

const pay = (amount: bigint, asset = token, to = PAYEE): Effect => ({ kind: 'spend', asset, amount, to })
const grant = (amount: bigint, spender = PAYEE, asset = token): Effect => ({ kind: 'grant', asset, amount, spender })
const call = (target: string, selector = '0xa9059cbb'): Effect => ({ kind: 'call', target, selector })
const subject = (...effects: Effect[]): Subject => ({ network: 'evm-local', effects, maxFee: 0n })

/** "INSTANT", or "DENY CODE". */
function said(policies: Policy[], effects: Effect[], prices = new Map<string, bigint>()): string {
  const about = subject(...effects)
  const read = policies.map(readPolicy)
  const { tier, code } = evaluate(read, about, factsOf({ ...past, prices }, questionsFor(read, about)))
  return code === undefined ? tier : `${tier} ${code}`
}

describe('tokens', () => {
  const allowed = policy('ALLOWED_TOKENS', { tokens: [{ address: token.address!.toLowerCase(), symbol: 'TKN' }] })
  const limits = (rules: Record<string, unknown>) => policy('SPENDING_LIMIT', { instant_max: '10', ...rules })
  const price = new Map([[`evm-local/${token.address}`, 1_000_000n]])

  test.each([
    ['no policy at all', [], pay(1n), 'DENY TOKEN_NOT_ALLOWED'],
    ['limits for the native coin only', [limits({})], pay(1n), 'DENY TOKEN_NOT_ALLOWED'],
    ['allowed, no limits', [allowed], pay(1n), 'APPROVAL'],
    ['allowed, limits for the native coin only', [allowed, limits({})], pay(1n), 'APPROVAL'],
    ['another token', [allowed, limits({})], pay(1n, otherToken), 'DENY TOKEN_NOT_ALLOWED'],
    [
      'allowed elsewhere',
      [policy('ALLOWED_TOKENS', { tokens: [{ address: token.address, network: 'base-mainnet' }] })],
      pay(1n),
      'DENY TOKEN_NOT_ALLOWED',
    ],
  ] as const)('%s', (_what, policies, effect, expected) => {
    expect(said([...policies], [effect])).toBe(expected)
  })

  test('limits of its own permit a token, and set its tier', () => {
    const own = limits({
      token_limits: { [`eip155:31337/erc20:${token.address!.toLowerCase()}`]: { instant_max: '5', notify_max: '7' } },
    })
    expect([5n, 6n, 7n, 8n].map((amount) => said([own], [pay(amount)]))).toEqual([
      'INSTANT',
      'NOTIFY',
      'NOTIFY',
      'APPROVAL',
    ])
  })

  test('dollar limits set the tier of an allowed token whose price is known, and permit none', () => {
    const dollars = limits({ instant_max_usd: 1, notify_max_usd: 2 })
    const at = (amount: bigint) => said([allowed, dollars], [pay(amount)], price)
    expect([1_000_000n, 1_000_001n, 2_000_001n].map(at)).toEqual(['INSTANT', 'NOTIFY', 'APPROVAL'])
    expect(said([dollars], [pay(1n)], price)).toBe('DENY TOKEN_NOT_ALLOWED')
    expect(said([allowed, dollars], [pay(1n)])).toBe('APPROVAL')
  })
})

describe('calls', () => {
  const listed = policy('CONTRACT_WHITELIST', { contracts: [{ address: PAYEE.toLowerCase(), name: 'router' }] })
  const methods = (contractAddress: string) =>
    policy('METHOD_WHITELIST', { methods: [{ contractAddress, selectors: ['0xA9059CBB'] }] })

  test.each([
    ['without a list', [], call(PAYEE), 'DENY CONTRACT_CALL_DISABLED'],
    ['not on the list', [listed], call(STRANGER), 'DENY CONTRACT_NOT_WHITELISTED'],
    ['on the list', [listed], call(PAYEE), 'INSTANT'],
    ['a method without a permission', [methods(PAYEE)], call(PAYEE), 'DENY CONTRACT_CALL_DISABLED'],
    ['a listed method', [listed, methods(PAYEE)], call(PAYEE), 'INSTANT'],
    ['another method', [listed, methods(PAYEE)], call(PAYEE, '0x095ea7b3'), 'DENY METHOD_NOT_WHITELISTED'],
    ['no data', [listed, methods(PAYEE)], call(PAYEE, '0x'), 'DENY METHOD_NOT_WHITELISTED'],
    ['a contract whose methods nobody restricts', [listed, methods(STRANGER)], call(PAYEE, '0x095ea7b3'), 'INSTANT'],
    [
      'a recipient list without the contract',
      [listed, policy('WHITELIST', { allowed_addresses: [] })],
      call(PAYEE),
      'DENY WHITELIST_DENIED',
    ],
  ] as const)('%s', (_what, policies, effect, expected) => {
    expect(said([...policies], [effect])).toBe(expected)
  })

  test('a permission to call permits no payment that rides along', () => {
    expect(said([listed], [call(PAYEE), pay(1n, eth)])).toBe('DENY POLICY_DENIED')
  })
})

describe('rights to take tokens', () => {
  const spenders = (maxAmount?: string) =>
    policy('APPROVED_SPENDERS', { spenders: [{ address: PAYEE, ...(maxAmount === undefined ? {} : { maxAmount }) }] })
  const limit = (rules: object) => policy('APPROVE_AMOUNT_LIMIT', rules)
  const tier = (name: string) => policy('APPROVE_TIER_OVERRIDE', { tier: name })

  test.each([
    ['nobody is approved', [], [grant(1n)], 'DENY APPROVE_DISABLED'],
    ['somebody else is approved', [spenders()], [grant(1n, STRANGER)], 'DENY SPENDER_NOT_APPROVED'],
    ['approved', [spenders()], [grant(1n)], 'APPROVAL'],
    ['up to the spender’s limit', [spenders('5')], [grant(5n)], 'APPROVAL'],
    ['above the spender’s limit', [spenders('5')], [grant(6n)], 'DENY APPROVE_AMOUNT_EXCEEDED'],
    ['above it in parts', [spenders('5')], [grant(3n), grant(3n)], 'DENY APPROVE_AMOUNT_EXCEEDED'],
    ['just below unlimited', [spenders()], [grant(UNLIMITED - 1n)], 'APPROVAL'],
    ['unlimited', [spenders()], [grant(UNLIMITED)], 'DENY UNLIMITED_APPROVE_BLOCKED'],
    ['unlimited in parts', [spenders()], [grant(UNLIMITED - 1n), grant(1n)], 'DENY UNLIMITED_APPROVE_BLOCKED'],
    ['unlimited, as a rule allows', [spenders(), limit({ blockUnlimited: false })], [grant(UNLIMITED)], 'APPROVAL'],
    ['up to the limit for all', [spenders(), limit({ maxAmount: '5' })], [grant(5n)], 'APPROVAL'],
    ['above the limit for all', [spenders(), limit({ maxAmount: '5' })], [grant(6n)], 'DENY APPROVE_AMOUNT_EXCEEDED'],
    ['with a tier of its own', [spenders(), tier('INSTANT')], [grant(1n)], 'INSTANT'],
    ['a tier permits nothing', [tier('INSTANT')], [grant(1n)], 'DENY APPROVE_DISABLED'],
    [
      'a tier ends nothing',
      [spenders(), tier('INSTANT'), policy('RATE_LIMIT', { max_requests: 0, window_seconds: 60 })],
      [grant(1n)],
      'DENY RATE_LIMIT_EXCEEDED',
    ],
    [
      'a spender off the list of recipients',
      [spenders(), policy('WHITELIST', { allowed_addresses: [STRANGER] })],
      [grant(1n)],
      'DENY WHITELIST_DENIED',
    ],
  ] as const)('%s', (_what, policies, effects, expected) => {
    expect(said([...policies], [...effects])).toBe(expected)
  })

  test('Solana reads half of 2^64 as unlimited', () => {
    const mint = {
      network: 'solana-local' as const,
      address: '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV',
      symbol: 'SPL',
      decimals: 6,
    }
    const spender = '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV'
    const rows = [policy('APPROVED_SPENDERS', { spenders: [{ address: spender }] })]
    const tierOf = (amount: bigint) => {
      const about: Subject = { network: 'solana-local', effects: [grant(amount, spender, mint)], maxFee: 0n }
      return evaluate(rows.map(readPolicy), about, factsOf(past, [])).code ?? 'held'
    }
    expect([(1n << 63n) - 2n, (1n << 63n) - 1n].map(tierOf)).toEqual(['held', 'UNLIMITED_APPROVE_BLOCKED'])
  })

  test('a window counts them', () => {
    const window = { seconds: 60, asset: `evm-local/${token.address}`, max: '5' }
    const rows = [spenders(), tier('INSTANT'), policy('SPENDING_LIMIT', { windows: [window] })]
    expect([said(rows, [grant(5n)]), said(rows, [grant(6n)])]).toEqual(['INSTANT', 'DENY SPENDING_LIMIT_EXCEEDED'])
  })

  test('a wait is as long as SPENDING_LIMIT says, also for them', () => {
    const rows = [spenders(), tier('DELAY'), policy('SPENDING_LIMIT', { instant_max: '1', delay_seconds: 900 })]
    const verdict = evaluate(rows.map(readPolicy), subject(grant(1n)), factsOf(past, []))
    expect(verdict).toMatchObject({ tier: 'DELAY', delaySeconds: 900 })
  })
})

test('reasons say times and amounts as people do', () => {
  const window = { seconds: 86_400, max: '10000000000000000000' }
  const rows = [
    policy('SPENDING_LIMIT', { instant_max: '1', windows: [window] }),
    policy('RATE_LIMIT', { max_requests: 0, window_seconds: 3600 }),
  ].map(readPolicy)
  const { reasons } = evaluate(rows, subject(pay(206n * 10n ** 17n, eth)), factsOf(past, questionsFor(rows, subject())))
  const messages = reasons.map(({ message }) => message)
  expect(messages).toContain('20.6 ETH in 24 hours is above the limit of 10 ETH.')
  expect(messages).toContain('This would be transaction 1 in 1 hour; 0 are allowed.')
})

const rank = (tier: (typeof tiers)[number]) => tiers.indexOf(tier)

test('a batch is judged at least as strictly as each of its parts', () => {
  fc.assert(
    fc.property(anyPolicies, anySubject, anyPast, (rows, whole, facts) => {
      const together = verdictOf(rows, whole, facts)
      for (const effect of whole.effects) {
        const alone = verdictOf(rows, { ...whole, effects: [effect] }, facts)
        expect(rank(together.tier)).toBeGreaterThanOrEqual(rank(alone.tier))
      }
    }),
    { numRuns: 500 },
  )
})

test('the order of the rows and of the effects changes nothing', () => {
  fc.assert(
    fc.property(anyPolicies, anySubject, anyPast, (rows, whole, facts) => {
      const turned = { ...whole, effects: whole.effects.toReversed() }
      expect(verdictOf(rows.toReversed(), whole, facts)).toEqual(verdictOf(rows, whole, facts))
      expect(verdictOf(rows, turned, facts).tier).toBe(verdictOf(rows, whole, facts).tier)
    }),
    { numRuns: 500 },
  )
})

test('no amount that grows gets a milder verdict', () => {
  fc.assert(
    fc.property(anyPolicies, anySubject, anyPast, fc.bigInt(0n, 1n << 255n), (rows, whole, facts, more) => {
      const effects = whole.effects.map((effect) =>
        'amount' in effect ? { ...effect, amount: effect.amount + more } : effect,
      )
      const [small, large] = [whole, { ...whole, effects }].map((about) => verdictOf(rows, about, facts))
      expect(rank(large!.tier)).toBeGreaterThanOrEqual(rank(small!.tier))
    }),
    { numRuns: 500 },
  )
})
