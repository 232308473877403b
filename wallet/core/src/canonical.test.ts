import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalHash, canonicalJson, type Json } from './index.ts'

const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value')),
  ),
})).value

test('the order of keys does not matter, everything else does', () => {
  expect(canonicalJson({ b: 1, a: [true, null, 'é"'] })).toBe('{"a":[true,null,"é\\""],"b":1}')
  expect(canonicalHash({ a: 1, b: 2 })).toBe(canonicalHash({ b: 2, a: 1 }))
  expect(canonicalHash({ a: 1, b: 2 })).not.toBe(canonicalHash({ a: 2, b: 1 }))
})

test('canonical JSON reads back as the same value and is a fixed point', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      expect(canonicalJson(JSON.parse(text))).toBe(text)
    }),
  )
})

test('a number that is no safe integer is refused: amounts are strings', () => {
  expect(() => canonicalJson(0.1)).toThrow(TypeError)
  expect(() => canonicalJson({ amount: 2 ** 60 })).toThrow(TypeError)
})
