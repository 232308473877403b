import { expect, test } from 'vitest'
import { openArena } from './arena.ts'
import { type Attempt, play } from './attempt.ts'
import { addresses, escapes, smuggling } from './machine-attempts.ts'
import { skillTricks, startFiles } from './skill-attempts.ts'
import { money, words } from './word-attempts.ts'

const attempts: readonly Attempt[] = [
  ...[...words, ...smuggling, ...escapes, ...addresses, ...money],
  ...[...skillTricks, ...startFiles],
]

test('there are many attempts, and each has a name', () => {
  expect(attempts.length).toBeGreaterThanOrEqual(40)
  const names = attempts.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test.each(attempts)('$name', async (attempt) => {
  await using arena = await openArena()
  expect(await play(arena, attempt)).toEqual([])
})
