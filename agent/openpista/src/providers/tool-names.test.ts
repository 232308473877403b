import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mapToolNames } from './tool-names.ts'

test('every set of names either maps there and back or is refused', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 100 }), { maxLength: 20 }), (names) => {
      const mapped = mapToolNames(names)
      if (!mapped.ok) return mapped.message.includes('Rename')
      return names.every((name) => {
        const wire = mapped.names.wire(name)
        return /^[a-zA-Z0-9_-]{1,64}$/.test(wire) && mapped.names.own(wire) === name
      })
    }),
  )
})

test('long names that begin alike stay different', () => {
  const names = [`mcp__server__${'a'.repeat(80)}1`, `mcp__server__${'a'.repeat(80)}2`]
  expect(mapToolNames(names).ok).toBe(true)
})
