import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Asset, Effect } from '../effect.ts'
import { type Tier, tiers } from '../verdict.ts'
import { defaultPolicies } from './default-policies.ts'
import { evaluate, type Policy, policiesInForce, questionsFor, readPolicy } from './evaluate.ts'
import { type Facts, questionKey, type Subject } from './policy-type.ts'

const eth: Asset = { network: 'evm-local', symbol: 'ETH', decimals: 18 }
const sol: Asset = { network: 'solana-local', symbol: 'SOL', decimals: 9 }
const token: Asset = {
  network: 'evm-local',
  address: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  symbol: 'TKN',
  decimals: 6,
}
const PAYEE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const STRANGER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'

const spend = (amount: bigint, asset: Asset = eth, to = PAYEE): Effect => ({ kind: 'spend', asset, amount, to })
const subjectOf = (...effects: Effect[]): Subject => ({ network: 'evm-local', effects, maxFee: 0n })

const policy = (type: string, rules: unknown, overrides: Partial<Policy> = {}): Policy => ({
  id: `${type}-id`,
  agentId: null,
  network: null,
  type,
  rules,
  priority: 0,
  enabled: true,
  ...overrides,
})

/** Facts in which everybody is known and `spent` is the answer to every question about totals. */
function factsFor(policies: Policy[], subject: Subject, known: Partial<Facts> & { total?: bigint } = {}): Facts {
  const questions = questionsFor(policies.map(readPolicy), subject)
  const { total = 0n, ...rest } = known
  return {
    now: 1_800_000_000,
    prices: new Map(),
    spent: new Map(questions.map((question) => [questionKey(question), total])),
    counterparties: new Map(
      questions.flatMap((question) =>
        question.kind === 'counterparty' ? [[question.address, { known: true, lookAlikes: [] }]] : [],
      ),
    ),
    ...rest,
  }
}

const judge = (policies: Policy[], subject: Subject, known: Parameters<typeof factsFor>[2] = {}) =>
  evaluate(policies.map(readPolicy), subject, factsFor(policies, subject, known))

const limits = (rules: Record<string, unknown>) => [policy('SPENDING_LIMIT', rules)]

describe('defaults', () => {
  test('no policy denies', () => {
    expect(judge([], subjectOf(spend(1n)))).toMatchObject({ tier: 'DENY', code: 'POLICY_DENIED' })
  })

  test('an effect that no permitting rule speaks about denies, whatever else is allowed', () => {
    const others: Effect[] = [
      { kind: 'grant', asset: eth, amount: 1n, spender: PAYEE },
      { kind: 'call', target: PAYEE, selector: '0x00000000' },
      { kind: 'deploy' },
      { kind: 'sign', scheme: 'eip712' },
      { kind: 'opaque', why: 'unknown program' },
      { kind: 'something new' } as unknown as Effect,
      spend(1n, token),
    ]
    for (const other of others) {
      expect(judge(limits({ instant_max: '10' }), subjectOf(spend(1n), other)).tier, other.kind).toBe('DENY')
    }
    expect(judge(limits({ instant_max: '10' }), subjectOf()).tier).toBe('DENY')
  })

  test('a row that cannot be read, or of an unknown type, denies', () => {
    const good = limits({ instant_max: '10' })
    for (const bad of [policy('WHITELIST', 'no rules'), policy('NO_SUCH', {}), policy('RATE_LIMIT', undefined)]) {
      expect(judge([...good, bad], subjectOf(spend(1n))).tier).toBe('DENY')
    }
  })

  test('an unanswered question is a fault of the program, not a permission', () => {
    const policies = limits({ instant_max: '10', windows: [{ seconds: 60, max: '10' }] })
    const facts: Facts = { now: 0, spent: new Map(), counterparties: new Map(), prices: new Map() }
    expect(() => evaluate(policies.map(readPolicy), subjectOf(spend(1n)), facts)).toThrow('not answered')
  })
})

describe('the verdict', () => {
  const anyPolicies = fc.uniqueArray(
    fc.oneof(
      fc.record({ a: fc.bigInt(0n, 100n), b: fc.bigInt(0n, 100n), c: fc.bigInt(0n, 100n) }).map(({ a, b, c }) => {
        const [instant, notify, delay] = [a, b, c].toSorted((x, y) => Number(x - y)).map(String)
        return policy('SPENDING_LIMIT', { instant_max: instant, notify_max: notify, delay_max: delay })
      }),
      fc.constantFrom(PAYEE, STRANGER).map((address) => policy('WHITELIST', { allowed_addresses: [address] })),
      fc.constantFrom(...tiers).map((first_payment) => policy('COUNTERPARTY', { first_payment })),
      fc.integer({ min: 0, max: 5 }).map((max) => policy('RATE_LIMIT', { max_requests: max, window_seconds: 60 })),
      fc
        .constantFrom('evm-local', 'base-mainnet')
        .map((network) => policy('ALLOWED_NETWORKS', { networks: [{ network }] })),
      fc.integer({ min: 0, max: 6 }).map((day) => policy('TIME_RESTRICTION', { allowed_days: [day] })),
    ),
    { selector: ({ type }) => type },
  )
  const anyEffects = fc.array(
    fc.oneof(
      fc.bigInt(0n, 120n).map((amount) => spend(amount)),
      fc.bigInt(0n, 120n).map((amount) => spend(amount, token)),
      fc.constant<Effect>({ kind: 'deploy' }),
    ),
    { maxLength: 3 },
  )
  const rank = (tier: Tier) => tiers.indexOf(tier)

  test('is the strictest of its reasons', () => {
    fc.assert(
      fc.property(anyPolicies, anyEffects, (policies, effects) => {
        const verdict = judge(policies, subjectOf(...effects))
        const strictest = Math.max(0, ...verdict.reasons.map(({ tier }) => rank(tier)))
        expect(rank(verdict.tier)).toBe(strictest)
        expect(verdict.code === undefined).toBe(verdict.tier !== 'DENY')
      }),
    )
  })

  test('does not depend on the order of the rules', () => {
    fc.assert(
      fc.property(anyPolicies, anyEffects, fc.nat(), (policies, effects, seed) => {
        const turned = policies.map((_, index) => policies[(index + seed) % policies.length]!)
        expect(judge(turned.toReversed(), subjectOf(...effects))).toEqual(judge(policies, subjectOf(...effects)))
      }),
    )
  })

  test('never gets milder when an amount grows, or the past does', () => {
    const amount = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, (1n << 256n) - 1n))
    const windowed = (rules: Policy[]) =>
      rules.map((row) =>
        row.type === 'SPENDING_LIMIT'
          ? {
              ...row,
              rules: { ...(row.rules as object), windows: [{ seconds: 60, max: '150', on_exceed: 'APPROVAL' }] },
            }
          : row,
      )
    fc.assert(
      fc.property(anyPolicies, amount, amount, amount, amount, (policies, a, b, x, y) => {
        const [small, large] = a < b ? [a, b] : [b, a]
        const [before, after] = x < y ? [x, y] : [y, x]
        const rules = windowed(policies)
        const mild = judge(rules, subjectOf(spend(small)), { total: before })
        const strict = judge(rules, subjectOf(spend(large)), { total: after })
        expect(rank(strict.tier)).toBeGreaterThanOrEqual(rank(mild.tier))
      }),
    )
  })

  test('splitting a payment inside one transaction changes nothing', () => {
    const policies = limits({ instant_max: '10', notify_max: '20', delay_max: '30' })
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 15n), { minLength: 1, maxLength: 5 }), (amounts) => {
        const whole = amounts.reduce((sum, amount) => sum + amount, 0n)
        const split = judge(policies, subjectOf(...amounts.map((amount) => spend(amount))))
        expect(split.tier).toBe(judge(policies, subjectOf(spend(whole))).tier)
      }),
    )
  })
})

describe('override order', () => {
  const at = (id: string, agentId: string | null, network: Policy['network'], priority = 0) =>
    policy('WHITELIST', { allowed_addresses: [] }, { id, agentId, network, priority })

  test('agent and network, agent, network, all; then priority, then id', () => {
    const rows = [
      at('all', null, null, 100),
      at('network', null, 'evm-local'),
      at('agent', 'me', null),
      at('both', 'me', 'evm-local'),
      at('other agent', 'you', 'evm-local', 1000),
      at('other network', 'me', 'base-sepolia', 1000),
    ]
    const inForce = (given: Policy[]) => policiesInForce(given, 'me', 'evm-local').map(({ id }) => id)
    expect(inForce(rows)).toEqual(['both'])
    expect(inForce(rows.filter(({ id }) => id !== 'both'))).toEqual(['agent'])
    expect(inForce(rows.filter(({ id }) => !['both', 'agent'].includes(id)))).toEqual(['network'])
    expect(inForce([at('all', null, null)])).toEqual(['all'])
    expect(inForce([at('low', null, null, 1), at('high', null, null, 100)])).toEqual(['high'])
    expect(inForce([at('b', null, null), at('a', null, null)])).toEqual(['a'])
    expect(inForce([{ ...at('off', 'me', null), enabled: false }])).toEqual([])
  })
})

describe('SPENDING_LIMIT', () => {
  const rules = { instant_max: '10', notify_max: '20', delay_max: '30', delay_seconds: 60, approval_timeout: 400 }

  test.each([
    [0n, 'INSTANT'],
    [10n, 'INSTANT'],
    [11n, 'NOTIFY'],
    [20n, 'NOTIFY'],
    [21n, 'DELAY'],
    [30n, 'DELAY'],
    [31n, 'APPROVAL'],
    [(1n << 256n) - 1n, 'APPROVAL'],
  ] as const)('edges are inclusive: %s is %s', (amount, tier) => {
    const verdict = judge(limits(rules), subjectOf(spend(amount)))
    expect(verdict).toMatchObject({ tier, delaySeconds: 60, approvalSeconds: 400 })
  })

  test('a missing edge is a tier that is never given', () => {
    const tierOf = (given: Record<string, unknown>, amount: bigint) =>
      judge(limits(given), subjectOf(spend(amount))).tier
    expect(tierOf({ instant_max: '10' }, 11n)).toBe('APPROVAL')
    expect(tierOf({ delay_max: '10' }, 1n)).toBe('DELAY')
  })

  test('with a price the stricter of native and dollars wins; without one the native limits stand alone', () => {
    const both = { ...rules, instant_max_usd: '0.5', notify_max_usd: 1, delay_max_usd: 2 }
    const price = (micros: bigint) => ({ prices: new Map([['evm-local/native', micros]]) })
    const whole = 10n ** 18n
    const wide = {
      ...both,
      instant_max: (5n * whole).toString(),
      notify_max: (6n * whole).toString(),
      delay_max: (7n * whole).toString(),
    }
    const tierOf = (micros: bigint) => judge(limits(wide), subjectOf(spend(whole)), price(micros)).tier
    expect([500_000n, 500_001n, 1_000_001n, 2_000_001n].map(tierOf)).toEqual(['INSTANT', 'NOTIFY', 'DELAY', 'APPROVAL'])
    expect(judge(limits(wide), subjectOf(spend(whole))).tier).toBe('INSTANT')
    expect(judge(limits(both), subjectOf(spend(25n)), price(1n)).tier).toBe('DELAY')
  })

  test('an amount with neither limit nor price goes to the owner', () => {
    const usd = limits({ instant_max_usd: 10 })
    expect(judge(usd, subjectOf(spend(1n))).tier).toBe('APPROVAL')
    const tokenOnly = limits({ token_limits: { 'native:solana': { instant_max: '5' } } })
    expect(judge(tokenOnly, subjectOf(spend(1n))).tier).toBe('APPROVAL')
    const solana: Subject = { network: 'solana-local', effects: [spend(5n, sol)], maxFee: 0n }
    expect(judge(tokenOnly, solana).tier).toBe('INSTANT')
  })

  test('a token goes only where a limit names it', () => {
    const named = limits({ ...rules, token_limits: { [`evm-local/${token.address}`]: { instant_max: '1000' } } })
    expect(judge(named, subjectOf(spend(1000n, token))).tier).toBe('INSTANT')
    expect(judge(named, subjectOf(spend(1001n, token))).tier).toBe('APPROVAL')
    expect(judge(limits(rules), subjectOf(spend(1n, token))).tier).toBe('DENY')
    expect(judge(limits({ token_limits: { toString: { instant_max: '1' } } }), subjectOf(spend(1n, token))).tier).toBe(
      'DENY',
    )
  })

  test.each([
    [-1n, 'INSTANT'],
    [0n, 'INSTANT'],
    [1n, 'DENY'],
  ] as const)('a window is full at its edge %s', (over, tier) => {
    const windowed = limits({ ...rules, windows: [{ seconds: 60, max: '100' }] })
    const subject: Subject = { network: 'evm-local', effects: [spend(5n)], maxFee: 3n }
    const verdict = judge(windowed, subject, { total: 92n + over })
    expect(verdict.tier).toBe(tier)
    if (tier === 'DENY') expect(verdict.code).toBe('SPENDING_LIMIT_EXCEEDED')
  })

  test('windows count transactions and dollars too, fees included, and may ask instead of denying', () => {
    const prices = new Map([['evm-local/native', 10n ** 6n]])
    const subject: Subject = { network: 'evm-local', effects: [spend(5n * 10n ** 17n)], maxFee: 5n * 10n ** 17n }
    const usd = limits({ instant_max_usd: 10, windows: [{ seconds: 60, max_usd: 2, on_exceed: 'APPROVAL' }] })
    expect(judge(usd, subject, { prices, total: 1_000_000n }).tier).toBe('INSTANT')
    expect(judge(usd, subject, { prices, total: 1_000_001n }).tier).toBe('APPROVAL')
    const count = limits({ ...rules, windows: [{ seconds: 60, max_count: 3 }] })
    expect(judge(count, subjectOf(spend(1n)), { total: 2n }).tier).toBe('INSTANT')
    expect(judge(count, subjectOf(spend(1n)), { total: 3n }).tier).toBe('DENY')
  })

  test.each([
    [[{ max_usd: 1 }], 'APPROVAL'],
    [[{ max_usd: 1 }, { max: '100' }], 'INSTANT'],
    [[{ max_usd: 1 }, { max: '100', asset: 'native:solana' }], 'APPROVAL'],
  ])('without a price, windows %j leave it at %s', (windows, tier) => {
    const rules = { instant_max: '10', windows: windows.map((window) => ({ seconds: 60, ...window })) }
    expect(judge(limits(rules), subjectOf(spend(5n))).tier).toBe(tier)
  })

  test('messages say amounts as people write them', () => {
    const ether = limits({ instant_max: '5000000000000000' })
    const { reasons } = judge(ether, subjectOf(spend(15n * 10n ** 17n)))
    expect(reasons[0]?.message).toBe('1.5 ETH is above the instant limit of 0.005 ETH; the owner decides.')
  })

  test.each([
    [{}],
    [{ instant_max: '20', notify_max: '10' }],
    [{ instant_max: '-1' }],
    [{ instant_max: '1.5' }],
    [{ instant_max_usd: 1e21 }],
    [{ instant_max_usd: '0.0000001' }],
    [{ instant_max_usd: Number.NaN }],
    [{ instant_max: '1', delay_seconds: 59 }],
    [{ instant_max: '1', approval_timeout: 86_401 }],
    [{ instant_max: '1', windows: [{ seconds: 60 }] }],
    [{ instant_max: '1', unknown: true }],
  ])('rules that make no sense deny: %j', (bad) => {
    expect(judge(limits(bad), subjectOf(spend(1n))).tier).toBe('DENY')
  })
})

describe('rules that only raise', () => {
  const allow = limits({ instant_max: '100' })

  test('WHITELIST compares EVM addresses by bytes and denies everybody else', () => {
    const list = (address: string) => [...allow, policy('WHITELIST', { allowed_addresses: [address] })]
    expect(judge(list(PAYEE.toLowerCase()), subjectOf(spend(1n))).tier).toBe('INSTANT')
    expect(judge(list(STRANGER), subjectOf(spend(1n)))).toMatchObject({ tier: 'DENY', code: 'WHITELIST_DENIED' })
    expect(judge([policy('WHITELIST', { allowed_addresses: [PAYEE] })], subjectOf(spend(1n))).tier).toBe('DENY')
  })

  test('WHITELIST compares Solana addresses exactly', () => {
    const address = '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV'
    const subject: Subject = { network: 'solana-local', effects: [spend(1n, sol, address)], maxFee: 0n }
    const rows = (text: string) => [...allow, policy('WHITELIST', { allowed_addresses: [text] })]
    expect(judge(rows(address), subject).tier).toBe('INSTANT')
    expect(judge(rows('7ecDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV'), subject).tier).toBe('DENY')
  })

  test('RATE_LIMIT admits as many as it says', () => {
    const rows = [...allow, policy('RATE_LIMIT', { max_requests: 2, window_seconds: 60 })]
    expect(judge(rows, subjectOf(spend(1n)), { total: 1n }).tier).toBe('INSTANT')
    expect(judge(rows, subjectOf(spend(1n)), { total: 2n })).toMatchObject({
      tier: 'DENY',
      code: 'RATE_LIMIT_EXCEEDED',
    })
  })

  test('TIME_RESTRICTION reads the clock of its time zone, over midnight too', () => {
    const tierAt = (iso: string, rules: Record<string, unknown>) =>
      judge([...allow, policy('TIME_RESTRICTION', rules)], subjectOf(spend(1n)), { now: Date.parse(iso) / 1000 }).tier
    const office = { allowed_hours: { start: 9, end: 17 }, allowed_days: [1, 2, 3, 4, 5], timezone: 'Asia/Seoul' }
    expect(tierAt('2026-01-05T00:00:00Z', office)).toBe('INSTANT')
    expect(tierAt('2026-01-04T23:59:59Z', office)).toBe('DENY')
    expect(tierAt('2026-01-05T07:59:59Z', office)).toBe('INSTANT')
    expect(tierAt('2026-01-05T08:00:00Z', office)).toBe('DENY')
    expect(tierAt('2026-01-10T03:00:00Z', office)).toBe('DENY')
    const night = { allowed_hours: { start: 22, end: 6 } }
    expect(['T21', 'T22', 'T23', 'T00', 'T05', 'T06'].map((hour) => tierAt(`2026-01-05${hour}:00:00Z`, night))).toEqual(
      ['DENY', 'INSTANT', 'INSTANT', 'INSTANT', 'INSTANT', 'DENY'],
    )
    expect(tierAt('2026-01-05T00:00:00Z', { allowed_days: [1], timezone: 'Mars/Olympus' })).toBe('DENY')
  })

  test('ALLOWED_NETWORKS takes CAIP-2 ids too', () => {
    const rows = (network: string) => [...allow, policy('ALLOWED_NETWORKS', { networks: [{ network }] })]
    expect(judge(rows('eip155:31337'), subjectOf(spend(1n))).tier).toBe('INSTANT')
    expect(judge(rows('base-mainnet'), subjectOf(spend(1n))).tier).toBe('DENY')
  })

  test('COUNTERPARTY raises first payments and look-alikes, and names the twin', () => {
    const rows = [...allow, policy('COUNTERPARTY', {})]
    const facing = (lookAlikes: string[]) =>
      judge(rows, subjectOf(spend(1n)), { counterparties: new Map([[PAYEE, { known: false, lookAlikes }]]) })
    expect(facing([]).tier).toBe('NOTIFY')
    expect(facing([STRANGER]).tier).toBe('APPROVAL')
    expect(
      facing([STRANGER])
        .reasons.map(({ message }) => message)
        .join(),
    ).toContain(STRANGER)
    expect(judge(rows, subjectOf(spend(1n))).tier).toBe('INSTANT')
  })
})

describe('the default policies', () => {
  const rows = defaultPolicies().map(({ type, rules }) => policy(type, rules))
  const ether = (text: string) => BigInt(Math.round(Number(text) * 1e6)) * 10n ** 12n

  test.each([
    ['0.005', 'INSTANT'],
    ['0.005001', 'NOTIFY'],
    ['0.05', 'NOTIFY'],
    ['0.050001', 'DELAY'],
    ['0.5', 'DELAY'],
    ['0.500001', 'APPROVAL'],
  ])('%s ETH without a price is %s', (amount, tier) => {
    expect(judge(rows, subjectOf(spend(ether(amount)))).tier).toBe(tier)
  })

  test('many small payments end with the owner, with and without a price', () => {
    const full = { total: ether('1') }
    expect(judge(rows, subjectOf(spend(1n)), full).tier).toBe('APPROVAL')
    const priced = { total: 999_999_999n, prices: new Map([['evm-local/native', 3000n * 10n ** 6n]]) }
    expect(judge(rows, subjectOf(spend(ether('0.001'))), priced).tier).toBe('APPROVAL')
  })

  test('tokens stay denied', () => {
    expect(judge(rows, subjectOf(spend(1n, token))).tier).toBe('DENY')
  })
})
