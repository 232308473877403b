import { expect, test } from 'vitest'
import { percentile, perSecond } from './measure.ts'

test('percentiles by nearest rank', () => {
  const values = [5, 1, 4, 2, 3]
  expect(percentile(values, 0.5)).toBe(3)
  expect(percentile(values, 0.99)).toBe(5)
  expect(percentile(values, 0)).toBe(1)
  expect(() => percentile([], 0.5)).toThrow('a percentile of nothing')
})

test('a call that does more is measured as slower', () => {
  const spin = (times: number) => () => {
    let sum = 0
    for (let i = 0; i < times; i++) sum += Math.sqrt(i)
    return sum
  }
  const options = { rounds: 2, roundMs: 20 }
  expect(perSecond(spin(50_000), options)).toBeLessThan(perSecond(spin(50), options))
})
