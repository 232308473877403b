import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ambiguousKey } from './ambiguous-key.ts'

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"list":[{"b":1},{"b":1 ,\n"b" :2}]}', 'b'],
  ['{"__proto__":{"admin":true}}', '__proto__'],
  ['{"x":{"__proto\\u005f_":1}}', '__proto__'],
  ['{"":1,"":2}', ''],
])('%s has the key %j', (text, key) => {
  expect(ambiguousKey(text)).toBe(key)
})

test.each(['{"a":{"a":{"a":1}}}', '["a","a"]', '{"a":"b:","b":"a"}', '{"a\\"":1,"a":2}', '"a"', '1', '{}'])(
  '%s has none',
  (text) => {
    expect(ambiguousKey(text)).toBeUndefined()
  },
)

test('what a writer of JSON makes is never refused, and a key written twice always is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      if (!text.includes('"__proto__"')) expect(ambiguousKey(text)).toBeUndefined()
      expect(ambiguousKey(`{"k":${text},"k":${text}}`)).toBeDefined()
    }),
  )
})
