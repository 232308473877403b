import { expect, test } from 'vitest'
import { formatTable } from './table.ts'

test('figures stand under one another, with their share of target and rival', () => {
  const table = formatTable([
    {
      what: 'sends',
      unit: 'per second',
      value: 250,
      target: { atLeast: 200 },
      beside: { what: 'the chain', value: 1000 },
    },
    { what: 'answer', unit: 'ms p50', value: 4.5, target: { atMost: 2 } },
    { what: 'memory', unit: 'MiB', value: 96.04 },
  ])
  const lines = table.split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[1]).toMatch(/^sends +250 +per second +>= 200 +1\.3x ok +the chain: 1,000 +0\.25x$/)
  expect(lines[2]).toMatch(/^answer +4\.50 +ms p50 +<= 2\.00 +2\.3x SHORT$/)
  expect(lines[3]).toMatch(/^memory +96\.0 +MiB$/)
})
