import fc from 'fast-check'
import type { Asset, Effect } from '../effect.ts'
import { tiers } from '../verdict.ts'
import { evaluate, type Policy, policiesInForce, questionsFor } from './evaluate.ts'
import { type Facts, type Question, questionKey, type Subject } from './policy-type.ts'

export const eth: Asset = { network: 'evm-local', symbol: 'ETH', decimals: 18 }
export const token: Asset = {
  network: 'evm-local',
  address: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  symbol: 'TKN',
  decimals: 6,
}
export const otherToken: Asset = { ...token, address: '0x00000000000000000000000000000000000000AA', symbol: 'OTH' }
export const PAYEE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
export const STRANGER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
export const UNLIMITED = (1n << 255n) - 1n

export const policy = (type: string, rules: unknown, overrides: Partial<Policy> = {}): Policy => ({
  id: `${type}-id`,
  agentId: null,
  network: null,
  type,
  rules,
  priority: 0,
  enabled: true,
  ...overrides,
})

const amount = fc.oneof(fc.bigInt(0n, 40n), fc.constantFrom(UNLIMITED - 1n, UNLIMITED, (1n << 256n) - 1n))
const address = fc.constantFrom(PAYEE, STRANGER)
const asset = fc.constantFrom(eth, token, otherToken)
const text = amount.map(String)

const effect: fc.Arbitrary<Effect> = fc.oneof(
  fc.record({ kind: fc.constant('spend' as const), asset, amount, to: address }),
  fc.record({
    kind: fc.constant('grant' as const),
    asset: fc.constantFrom(token, otherToken),
    amount,
    spender: address,
  }),
  fc.record({ kind: fc.constant('call' as const), target: address, selector: fc.constantFrom('0x', '0xa9059cbb') }),
  fc.constant<Effect>({ kind: 'deploy' }),
)

export const anySubject: fc.Arbitrary<Subject> = fc.record({
  network: fc.constant('evm-local' as const),
  effects: fc.array(effect, { minLength: 1, maxLength: 3 }),
  maxFee: fc.bigInt(0n, 50n),
  plainFee: fc.option(fc.bigInt(0n, 50n), { nil: undefined }),
  marketFee: fc.option(fc.bigInt(0n, 50n), { nil: undefined }),
})

const edges = (suffix: '' | '_usd') =>
  fc.tuple(fc.option(text), fc.option(text), fc.option(text)).map((given) => {
    const known = given.filter((value) => value !== null).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const names = ['instant_max', 'notify_max', 'delay_max'].filter((_, index) => given[index] !== null)
    return Object.fromEntries(names.map((name, index) => [`${name}${suffix}`, known[index]!]))
  })

const window = fc.record({
  seconds: fc.constantFrom(60, 3600),
  on_exceed: fc.constantFrom('DENY', 'APPROVAL'),
  asset: fc.constantFrom('native', 'native:evm', `evm-local/${token.address}`),
  limit: fc.oneof(
    fc.bigInt(0n, 60n).map((max) => ({ max: String(max) })),
    fc.integer({ min: 0, max: 60 }).map((max_count) => ({ max_count })),
    fc.integer({ min: 0, max: 60 }).map((max_usd) => ({ max_usd })),
  ),
})

const spendingLimit = fc
  .record({
    native: edges(''),
    usd: fc.oneof(fc.constant({}), edges('_usd')),
    named: fc.option(edges('').filter((limits) => Object.keys(limits).length > 0)),
    windows: fc.array(window, { maxLength: 2 }),
    delay_seconds: fc.constantFrom(60, 300, 600),
    approval_timeout: fc.constantFrom(300, 3600, 7200),
  })
  .map(({ native, usd, named, windows, ...waits }) => ({
    ...native,
    ...usd,
    ...waits,
    token_limits: named === null ? {} : { [`evm-local/${token.address}`]: named },
    windows: windows.map(({ limit, ...rest }) => ({ ...rest, ...limit })),
  }))

const tier = fc.constantFrom(...tiers)
const addresses = fc.subarray([PAYEE, STRANGER])
const network = fc.option(fc.constantFrom('evm-local' as const, 'base-mainnet' as const), { nil: undefined })
const listed = fc.array(fc.record({ address, network }), { maxLength: 3 })

const rulesByType: { [type: string]: fc.Arbitrary<unknown> } = {
  SPENDING_LIMIT: spendingLimit,
  WHITELIST: addresses.map((allowed_addresses) => ({ allowed_addresses })),
  COUNTERPARTY: fc.record({ first_payment: tier, look_alike: tier }),
  ALLOWED_NETWORKS: fc
    .subarray(['evm-local', 'base-mainnet'])
    .map((names) => ({ networks: names.map((name) => ({ network: name })) })),
  RATE_LIMIT: fc.record({ max_requests: fc.nat(60), window_seconds: fc.constantFrom(60, 3600) }),
  TIME_RESTRICTION: fc.record({
    allowed_days: fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
    timezone: fc.constantFrom('UTC', 'Asia/Seoul'),
  }),
  ALLOWED_TOKENS: fc
    .array(fc.record({ address: fc.constantFrom(token.address, otherToken.address), network }), { maxLength: 3 })
    .map((tokens) => ({ tokens })),
  CONTRACT_WHITELIST: listed.map((contracts) => ({ contracts })),
  METHOD_WHITELIST: fc
    .array(fc.record({ contractAddress: address, selectors: fc.subarray(['0x', '0xa9059cbb']) }), { maxLength: 2 })
    .map((methods) => ({ methods })),
  APPROVED_SPENDERS: fc
    .array(fc.record({ address, network, maxAmount: fc.option(text, { nil: undefined }) }), { maxLength: 3 })
    .map((spenders) => ({ spenders })),
  APPROVE_AMOUNT_LIMIT: fc.record({ maxAmount: fc.option(text, { nil: undefined }), blockUnlimited: fc.boolean() }),
  APPROVE_TIER_OVERRIDE: fc.record({ tier }),
  FEE_LIMIT: fc.record({
    approval_above_percent: fc.constantFrom(100, 150, 200),
    deny_above_percent: fc.constantFrom(200, 500),
    ignored_up_to: fc.constantFrom('0', '0.002'),
  }),
}

export const typesWithRules = Object.keys(rulesByType)

/** A row of any type and scope, now and then one that cannot be read. */
const row = fc
  .tuple(
    fc.constantFrom(...typesWithRules).chain((type) => {
      const rules = fc.oneof({ weight: 12, arbitrary: rulesByType[type]! }, { weight: 1, arbitrary: fc.constant('?') })
      return rules.map((given) => ({ type, rules: given }))
    }),
    fc.constantFrom(null, 'me'),
    fc.constantFrom(null, null, 'evm-local' as const),
  )
  .map(([{ type, rules }, agentId, only]) => policy(type, rules, { agentId, network: only }))

const numbered = (rows: Policy[]) => rows.map((one, index) => ({ ...one, id: String(index).padStart(3, '0') }))

export const anyPolicies = fc.array(row, { maxLength: 8 }).map(numbered)

/** A set, and another that differs in one row: exchanged, taken away or put in. */
export const twoPolicySets = fc
  .tuple(anyPolicies, row, fc.nat(8), fc.constantFrom('exchange', 'take', 'put'))
  .map(([rows, extra, at, change]) => {
    const old = rows[at % Math.max(1, rows.length)]
    if (change === 'put' || old === undefined) return [rows, numbered([...rows, extra])] as const
    if (change === 'take') return [rows, rows.filter((one) => one !== old)] as const
    const others = rows.filter((one) => one !== old)
    return [
      [...others, old],
      [...others, { ...extra, id: old.id, type: old.type, rules: extra.type === old.type ? extra.rules : old.rules }],
    ] as const
  })

/** A past and a present: totals that grow with the window, prices, who is known. */
export const anyPast = fc.record({
  now: fc.integer({ min: 1_800_000_000, max: 1_800_600_000 }),
  totals: fc.tuple(fc.bigInt(0n, 60n), fc.bigInt(0n, 60n)),
  prices: fc.subarray([eth, token, otherToken]).chain((priced) =>
    fc.array(fc.bigInt(1n, 10n ** 24n), { minLength: priced.length, maxLength: priced.length }).map((values) => {
      return new Map(priced.map((one, index) => [`evm-local/${one.address ?? 'native'}`, values[index]!]))
    }),
  ),
  strangers: fc.subarray([PAYEE, STRANGER]),
  lookAlikes: fc.subarray(['a twin']),
})
type Past = typeof anyPast extends fc.Arbitrary<infer Value> ? Value : never

/** The facts of a past, as far as these policies ask. */
export function factsOf(past: Past, questions: readonly Question[]): Facts {
  const [short, more] = past.totals
  return {
    now: past.now,
    prices: past.prices,
    spent: new Map(
      questions.flatMap((question) =>
        question.kind === 'counterparty'
          ? []
          : [[questionKey(question), question.seconds === 60 ? short : short + more] as const],
      ),
    ),
    counterparties: new Map(
      [PAYEE, STRANGER].map((one) => {
        return [one, { known: !past.strangers.includes(one), lookAlikes: past.lookAlikes }]
      }),
    ),
  }
}

/** What the rows say to the agent `me`. */
export function verdictOf(rows: readonly Policy[], subject: Subject, past: Past) {
  const policies = policiesInForce(rows, 'me', subject.network)
  return evaluate(policies, subject, factsOf(past, questionsFor(policies, subject)))
}
