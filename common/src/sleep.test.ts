import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { sleep } from './index.ts'

test('sleeping ends with the time or with the signal, and leaves no listener behind', async () => {
  const never = new AbortController().signal
  await sleep(1, never)
  expect(getEventListeners(never, 'abort')).toHaveLength(0)
  const stopping = new AbortController()
  const asleep = sleep(60_000, stopping.signal)
  stopping.abort()
  await asleep
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(0)
  await sleep(60_000, stopping.signal)
})
