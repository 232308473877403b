import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Bytes of young objects between two collections. More saves little time, less costs much. */
const YOUNG_BYTES = 16_000_000

/** How far old objects may grow between two collections, in percent of what was alive after the last. */
const OLD_GROWTH = 50

/**
 * Keeps a process that runs for weeks small. V8 by itself takes what the machine has: on a large one the heap of a
 * busy process becomes five times what is alive in it.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH}`)
  // The most that the young generation may take is only read when a process starts; its next step is read each time.
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
    if (young !== undefined && young.space_size < YOUNG_BYTES) return
    setFlagsFromString('--semi-space-growth-factor=1')
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
}
