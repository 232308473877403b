import { expect, test } from 'vitest'
import { applyExceptions, exceptions } from './exceptions.ts'

const finding = (path: string) => ({ path, line: 1, message: 'm' })
const exception = (rule: string, path: string) => ({ rule, path, reason: 'r' })

test('an exception covers its rule and path only', () => {
  const findings = [finding('a/x.ts'), finding('b/x.ts')]
  expect(applyExceptions('r', findings, [exception('r', 'a/'), exception('s', 'b/')])).toEqual({
    left: [finding('b/x.ts')],
    unused: [],
  })
})

test('an exception that covers nothing is reported', () => {
  expect(applyExceptions('r', [], [exception('r', 'gone.ts')]).unused).toHaveLength(1)
})

test('every exception gives a reason', () => {
  for (const { reason } of exceptions) expect(reason.length).toBeGreaterThan(20)
})
