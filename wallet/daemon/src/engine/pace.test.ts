import { systemTimers } from '@openpista/common'
import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

/** A pace under a clock of its own, and what it started. */
function paceAt() {
  let now = 0
  const started: string[] = []
  const pace = createPace({ monotonic: () => now, after: systemTimers.after })
  return {
    pace,
    started,
    pass: (millis: number) => {
      now += millis
    },
    later: (name: string) => pace.later(() => started.push(name)),
  }
}

test('what was judged alone goes on at once', async () => {
  const { pace, started, later, pass } = paceAt()
  for (const name of ['first', 'second']) {
    await pace.judging(async () => {})
    later(name)
    expect(started.at(-1)).toBe(name)
    pass(40)
  }
})

test('while requests are judged what is allowed waits for a pause, and goes on together', async () => {
  const { pace, started, later, pass } = paceAt()
  const request = Promise.withResolvers<void>()
  const judging = pace.judging(() => request.promise)
  later('a')
  later('b')
  expect(started).toEqual([])
  request.resolve()
  await judging
  later('c')
  expect(started).toEqual([])
  pass(2)
  await expect.poll(() => started).toEqual(['a', 'b', 'c'])
})

test('without a pause nothing waits for longer than 40 ms', async () => {
  const { pace, started, later, pass } = paceAt()
  const request = Promise.withResolvers<void>()
  const judging = pace.judging(() => request.promise)
  later('a')
  pass(40)
  await expect.poll(() => started).toEqual(['a'])
  request.resolve()
  await judging
})

test('at the end what waits starts, and everything after it at once', () => {
  const { pace, started, later } = paceAt()
  const request = Promise.withResolvers<void>()
  const judging = pace.judging(() => request.promise)
  later('a')
  pace.end()
  expect(started).toEqual(['a'])
  later('b')
  expect(started).toEqual(['a', 'b'])
  request.resolve()
  return judging
})
