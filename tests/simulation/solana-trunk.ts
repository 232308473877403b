/**
 * The slots of a cluster that have a block for good, as runs without a gap: a day of blocks costs a few thousand
 * numbers, so a simulated week of watching is cheap.
 */

export type Place = { slot: number; height: number }

export type Trunk = {
  head: () => Place
  first: () => Place
  /** Adds the slots `from..to`, whose blocks follow on the head. */
  append: (from: number, to: number) => void
  /** The newest block that is not above a slot. */
  atOrBelow: (slot: number) => Place | undefined
  atHeight: (height: number) => Place | undefined
  has: (slot: number) => boolean
  /** The slots with a block in `from..to`. */
  slots: (from: number, to: number) => number[]
}

type Run = Place & { length: number }

/** Begins with `length` blocks without a gap. */
export function createTrunk(slot: number, height: number, length: number): Trunk {
  const runs: Run[] = [{ slot, height, length }]
  const head = (): Place => {
    const last = runs[runs.length - 1]!
    return { slot: last.slot + last.length - 1, height: last.height + last.length - 1 }
  }
  /** The index of the last run that begins at or below a value. */
  const find = (key: 'slot' | 'height', value: number): number => {
    let [low, high] = [0, runs.length]
    if (runs[high - 1]![key] <= value) return high - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (runs[middle]![key] <= value) low = middle + 1
      else high = middle
    }
    return low - 1
  }
  const atOrBelow = (wanted: number): Place | undefined => {
    const run = runs[find('slot', wanted)]
    if (run === undefined) return undefined
    const into = Math.min(wanted - run.slot, run.length - 1)
    return { slot: run.slot + into, height: run.height + into }
  }
  return {
    head,
    first: () => ({ slot, height }),
    append: (from, to) => {
      const last = runs[runs.length - 1]!
      const end = head()
      if (end.slot === from - 1) last.length += to - from + 1
      else runs.push({ slot: from, height: end.height + 1, length: to - from + 1 })
    },
    atOrBelow,
    atHeight: (wanted) => {
      const run = runs[find('height', wanted)]
      if (run === undefined || wanted >= run.height + run.length) return undefined
      return { slot: run.slot + wanted - run.height, height: wanted }
    },
    has: (wanted) => atOrBelow(wanted)?.slot === wanted,
    slots: (from, to) => {
      const found: number[] = []
      for (let index = Math.max(find('slot', from), 0); index < runs.length && runs[index]!.slot <= to; index++) {
        const run = runs[index]!
        const end = Math.min(run.slot + run.length - 1, to)
        for (let each = Math.max(run.slot, from); each <= end; each++) found.push(each)
      }
      return found
    },
  }
}
