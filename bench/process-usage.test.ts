import { expect, test } from 'vitest'
import { memoryOf, processorMillisOf } from './process-usage.ts'

test('memory grows by what a process fills', () => {
  const before = memoryOf(process.pid)
  const filled = Buffer.alloc(64 * 1024 * 1024, 1)
  const after = memoryOf(process.pid)
  expect(after.rss - before.rss).toBeGreaterThan(50)
  expect(after.pss).toBeLessThanOrEqual(after.rss)
  expect(filled).toHaveLength(64 * 1024 * 1024)
})

test('processor time is what a process works, not what it waits', async () => {
  const millis = async (work: () => Promise<void>) => {
    const before = processorMillisOf(process.pid)
    await work()
    return processorMillisOf(process.pid) - before
  }
  const waits = await millis(() => new Promise((resolve) => setTimeout(resolve, 200)))
  const works = await millis(async () => {
    const { user, system } = process.cpuUsage()
    for (let used = 0; used < 200_000; ) {
      const now = process.cpuUsage()
      used = now.user + now.system - user - system
    }
  })
  expect(works).toBeGreaterThan(150)
  expect(waits).toBeLessThan(works / 2)
})
