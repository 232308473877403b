import { expect, test } from 'vitest'
import { newId, newSecret } from './index.ts'

test('ids are version 7 UUIDs that sort in the order they were made, also when the clock steps back', () => {
  const now = Date.now()
  const ids = Array.from({ length: 20_000 }, (_, index) => newId(now - (index % 3)))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
})

test('a secret has 256 bits by default', () => {
  expect(Buffer.from(newSecret(), 'base64url')).toHaveLength(32)
  expect(newSecret()).not.toBe(newSecret())
})
