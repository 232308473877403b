import { expect, test } from 'vitest'
import { ensureSystemPackages, systemPackages } from './system-packages.ts'

test('nothing is asked for and nothing is missing', () => {
  expect(ensureSystemPackages([])).toBeUndefined()
})

test('what is reported as missing is what is absent, with a command that names it', () => {
  const names = Object.keys(systemPackages) as (keyof typeof systemPackages)[]
  const absent = names.filter((name) => !systemPackages[name].isPresent())
  const present = names.filter((name) => !absent.includes(name))
  expect(ensureSystemPackages(present)).toBeUndefined()
  if (process.getuid?.() === 0) return // As root it would install: npm test does that once, before the tests.
  const report = ensureSystemPackages(names)
  expect(report?.missing ?? []).toEqual(absent)
  for (const name of absent) expect(report?.command).toContain(systemPackages[name].debian)
})
