import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dollars, type Limits, limitScopes, reachedLimit } from './limits.ts'

const none = { tokens: 0, usd: 0 }
const noLimits: Limits = { turn: none, session: none, day: none }
const noGrants = { turn: 0, session: 0, day: 0 }
const perScope = <Value>(value: fc.Arbitrary<Value>) => fc.record({ turn: value, session: value, day: value })
const spending = perScope(fc.record({ tokens: fc.nat(10_000_000), cost: fc.bigInt(0n, 10n ** 15n) }))

test('zero is no limit', () => {
  fc.assert(fc.property(spending, (spent) => reachedLimit(noLimits, spent, noGrants) === undefined))
})

test('a limit is reached by using all of it, and a grant gives as much again', () => {
  const spent = (tokens: number) => ({ turn: { tokens, cost: 0n }, session: ZERO, day: ZERO })
  const limits = { ...noLimits, turn: { tokens: 100, usd: 0 } }
  expect(reachedLimit(limits, spent(99), noGrants)).toBeUndefined()
  expect(reachedLimit(limits, spent(100), noGrants)).toEqual({
    scope: 'turn',
    unit: 'tokens',
    used: '100',
    limit: '100',
  })
  expect(reachedLimit(limits, spent(100), { ...noGrants, turn: 1 })).toBeUndefined()
  expect(reachedLimit(limits, spent(200), { ...noGrants, turn: 1 })).toMatchObject({ limit: '200' })
})

const ZERO = { tokens: 0, cost: 0n }

test('money is counted to the last part of a cent', () => {
  const limits = { ...noLimits, day: { tokens: 0, usd: 1.5 } }
  const spent = (cost: bigint) => ({ turn: ZERO, session: ZERO, day: { tokens: 1, cost } })
  expect(reachedLimit(limits, spent(1_499_999_999_999n), noGrants)).toBeUndefined()
  expect(reachedLimit(limits, spent(1_500_000_000_000n), noGrants)).toMatchObject({ used: '$1.50', limit: '$1.50' })
})

test('more use never takes a limit back, more grants never bring one', () => {
  const limits = perScope(fc.record({ tokens: fc.nat(1_000_000), usd: fc.nat(1_000) }))
  const grants = perScope(fc.nat(5))
  fc.assert(
    fc.property(limits, spending, grants, fc.constantFrom(...limitScopes), (limit, spent, granted, scope) => {
      const reached = reachedLimit(limit, spent, granted) !== undefined
      const more = { ...spent, [scope]: { tokens: spent[scope].tokens + 1, cost: spent[scope].cost + 1n } }
      const generous = { ...granted, [scope]: granted[scope] + 1 }
      if (reached) expect(reachedLimit(limit, more, granted)).toBeDefined()
      else expect(reachedLimit(limit, spent, generous)).toBeUndefined()
    }),
  )
})

test.each([
  [0n, '$0.00'],
  [1_000_000_000_000n, '$1.00'],
  [123_450_000_000n, '$0.1235'],
  [10_000_000_000n, '$0.01'],
  [1_234_500_000_000_000n, '$1234.50'],
])('%s is written %s', (cost, words) => expect(dollars(cost)).toBe(words))
