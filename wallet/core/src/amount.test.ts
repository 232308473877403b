import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BaseUnits, formatUnits, HumanAmount, humanUnits, parseHumanUnits, parseUnits } from './index.ts'

test('base units to human units and back is the identity, for any amount below 2^256 and any decimals', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), fc.integer({ min: 0, max: 36 }), (amount, decimals) => {
      expect(parseUnits(formatUnits(amount, decimals), decimals)).toBe(amount)
    }),
  )
})

test.each([
  ['1', 18, 10n ** 18n],
  ['0.001', 18, 10n ** 15n],
  ['0.000000001', 9, 1n],
  ['1.50', 1, 15n],
  ['0.0000000001', 9, undefined],
  ['1e3', 18, undefined],
  ['-1', 18, undefined],
  ['', 18, undefined],
  ['.5', 18, undefined],
  ['1,5', 18, undefined],
])('parseUnits(%j, %i) is %s', (text, decimals, expected) => {
  expect(parseUnits(text, decimals)).toBe(expected)
})

test.each(['0', '1', ((1n << 256n) - 1n).toString()])('%s is an amount in base units', (text) => {
  expect(BaseUnits.safeParse(text).success).toBe(true)
})

test.each(['', '-1', '+1', '01', '1.0', '0x10', '1e3', ' 1', (1n << 256n).toString(), '9'.repeat(500)])(
  '%s is refused as base units',
  (text) => {
    expect(BaseUnits.safeParse(text).success).toBe(false)
  },
)

test.each(['.5', '5.', '00.1', '1_000', '1 ', 'Infinity', '9'.repeat(61)])(
  '%s is refused as a human amount',
  (text) => {
    expect(HumanAmount.safeParse(text).success).toBe(false)
  },
)

test.each([
  ['1', '10', 8, 10_000_000n],
  ['1', '0.1', 8, 1_000_000_000n],
  ['2.5', '1', 2, 250n],
  ['1.05', '1.05', 6, 1_000_000n],
])('%s as wallets show it, at a multiplier of %s, is exact both ways', (text, multiplier, decimals, amount) => {
  expect(parseHumanUnits(text, { decimals, multiplier })).toBe(amount)
  expect(humanUnits(amount, { decimals, multiplier })).toBe(text)
})

test('what a multiplier does not divide is never more than was asked for, and is shown rounded', () => {
  const thirds = { decimals: 2, multiplier: '3' }
  expect(parseHumanUnits('1', thirds)).toBe(33n)
  expect(humanUnits(33n, thirds)).toBe('0.99')
  expect(parseHumanUnits('0.001', thirds)).toBeUndefined()
  // token-2022, scaled_ui_amount/mod.rs, `specific_amount_to_ui_amount`
  expect(humanUnits(101n, { decimals: 2, multiplier: '0.99' })).toBe('1')
  expect(humanUnits(500n, { decimals: 6, multiplier: '0.001' })).toBe('0.000001')
  expect(humanUnits(1_500n, { decimals: 6, multiplier: '0.001' })).toBe('0.000002')
  expect(humanUnits(1n, { decimals: 2, multiplier: '0.5' })).toBe('0.01')
})
