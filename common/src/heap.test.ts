import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Bytes that the heap of a process takes which makes much garbage and keeps little of it. */
function heapOfBusyProcess(limited: boolean): number {
  const code = `
    import { setImmediate } from 'node:timers/promises'
    import { getHeapStatistics } from 'node:v8'
    import { limitHeapGrowth } from ${JSON.stringify(new URL('./heap.ts', import.meta.url).href)}
    if (${limited}) limitHeapGrowth()
    const alive = []
    let most = 0
    for (let round = 0; round < 1500; round++) {
      for (let made = 0; made < 1000; made++) alive[(round * 1000 + made) % 100_000] = { round, made, more: [made] }
      most = Math.max(most, getHeapStatistics().total_heap_size)
      await setImmediate()
    }
    console.log(most)`
  // As on a machine with much memory, whatever this one has.
  const flags = ['--max-semi-space-size=64', '--input-type=module']
  return Number(execFileSync(process.execPath, [...flags, '-e', code], { encoding: 'utf8' }))
}

test('the heap of a busy process stays much smaller than V8 would have it', () => {
  expect(heapOfBusyProcess(true)).toBeLessThan(heapOfBusyProcess(false) / 1.3)
})
