import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BaseUnits, formatUnits, HumanAmount, parseUnits } from './index.ts'

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
