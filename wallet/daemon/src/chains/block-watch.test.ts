import { systemTimers } from '@openpista/common'
import { expect, test } from 'vitest'
import { watchBlocks } from './block-watch.ts'

const HOUR = 3_600_000

test('asked to, it looks at once and not only at its next turn', async () => {
  let height = 1n
  const watch = watchBlocks(async () => height, HOUR, systemTimers)
  const seen: bigint[] = []
  const next = () =>
    new Promise<void>((resolve) => {
      const stop = watch.onBlock(() => {
        seen.push(height)
        stop()
        resolve()
      })
      watch.lookNow()
    })
  await next()
  height = 2n
  await next()
  expect(seen).toEqual([1n, 2n])
  watch.close()
})

test('asked while it looks, it looks once more, however often it was asked', async () => {
  const answers: ((height: bigint) => void)[] = []
  const watch = watchBlocks(() => new Promise((resolve) => answers.push(resolve)), HOUR, systemTimers)
  let calls = 0
  watch.onBlock(() => {
    calls += 1
  })
  watch.lookNow()
  await expect.poll(() => answers.length).toBe(1)
  for (let times = 0; times < 5; times++) watch.lookNow()
  answers[0]!(1n)
  await expect.poll(() => answers.length).toBe(2)
  answers[1]!(2n)
  await expect.poll(() => calls).toBe(2)
  expect(answers).toHaveLength(2)
  watch.close()
})
