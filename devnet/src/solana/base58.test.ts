import { getBase58Decoder, getBase58Encoder } from '@solana/kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase58, encodeBase58 } from './base58.ts'

test('bytes become the text that Solana kit makes of them, and come back', () => {
  const leadingZeros = fc.integer({ min: 0, max: 4 }).map((count) => new Uint8Array(count))
  const bytes = fc.tuple(leadingZeros, fc.uint8Array({ maxLength: 100 })).map((parts) => Buffer.concat(parts))
  fc.assert(
    fc.property(bytes, (value) => {
      const text = encodeBase58(value)
      expect(text).toBe(getBase58Decoder().decode(value))
      expect([...decodeBase58(text)]).toEqual([...value])
      expect([...decodeBase58(text)]).toEqual([...getBase58Encoder().encode(text)])
    }),
  )
})

test.each(['0', 'O', 'l', 'é', ' '])('%j is not base58', (text) => {
  expect(() => decodeBase58(text)).toThrow(TypeError)
})
