import { expect, test } from 'vitest'
import { createClock } from './clock.ts'

test('Work starts in the order of its time, and of the calls where times are equal.', async () => {
  const clock = createClock(0)
  const order: string[] = []
  for (const [millis, name] of [
    [30, 'c'],
    [10, 'a'],
    [30, 'd'],
    [20, 'b'],
  ] as const) {
    clock.after(millis, () => order.push(`${name}@${clock.monotonic()}`))
  }
  clock.after(15, () => order.push('never'))()
  await clock.run(25)
  expect(order).toEqual(['a@10', 'b@20'])
  expect(clock.monotonic()).toBe(25)
  await clock.run(5)
  expect(order).toEqual(['a@10', 'b@20', 'c@30', 'd@30'])
})

test('Promises go on as far as they can before the next work starts.', async () => {
  const clock = createClock(0)
  const order: string[] = []
  const chain = async () => {
    for (let round = 0; round < 50; round += 1) await Promise.resolve()
    order.push('promises')
  }
  clock.after(1, () => void chain().then(() => order.push('after them')))
  clock.after(1, () => order.push('second'))
  await clock.run(1)
  expect(order).toEqual(['promises', 'after them', 'second'])
})

test('What is to start soon starts in order and before time passes.', async () => {
  const clock = createClock(0)
  const order: string[] = []
  clock.after(0, () => {
    order.push('first')
    clock.soon(() => order.push(`soon@${clock.monotonic()}`))
    clock.soon(() => order.push('soon again'))
  })
  clock.after(1, () => order.push('later'))
  await clock.runUntilIdle()
  expect(order).toEqual(['first', 'soon@0', 'soon again', 'later'])
})

test('The wall clock can jump, and timers do not notice.', async () => {
  const clock = createClock(1_000_000)
  let at: number | undefined
  clock.after(100, () => {
    at = clock.millis()
  })
  clock.jump(-500_000)
  await clock.run(100)
  expect(at).toBe(500_100)
  expect(clock.seconds()).toBe(500)
  expect(clock.monotonic()).toBe(100)
})

test('A promise is run until it settles, and one that cannot is an error.', async () => {
  const clock = createClock(0)
  const sleep = (millis: number) => new Promise<string>((resolve) => clock.after(millis, () => resolve('awake')))
  await expect(clock.settle(sleep(5_000), 10_000)).resolves.toBe('awake')
  expect(clock.monotonic()).toBe(5_000)
  await expect(clock.settle(Promise.reject(new Error('broken')), 10)).rejects.toThrow('broken')
  await expect(clock.settle(sleep(5_000), 10)).rejects.toThrow('has not settled within 10 ms')
  await clock.runUntilIdle()
  await expect(clock.settle(new Promise(() => undefined), 10)).rejects.toThrow('nothing that the clock could start')
})

test('An error in started work ends the run.', async () => {
  const clock = createClock(0)
  clock.after(1, () => {
    throw new Error('a bug')
  })
  await expect(clock.run(2)).rejects.toThrow('a bug')
})
