/**
 * Random numbers that a seed determines. A fork depends on the seed and its label alone, never on what was drawn
 * before, so that one more draw in one place leaves the draws of every other place as they were.
 */
export type Random = {
  /** At least 0 and below 1. */
  next(): number
  /** A whole number at least 0 and below `limit`. */
  below(limit: number): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** The items in another order; the list itself stays as it is. */
  shuffle<Item>(items: readonly Item[]): Item[]
  hex(bytes: number): `0x${string}`
  fork(label: string): Random
}

export function createRandom(seed: string | number): Random {
  const key = String(seed)
  const next = sfc32(key)
  const below = (limit: number) => Math.floor(next() * limit)
  const random: Random = {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('cannot pick from an empty list')
      return items[below(items.length)]!
    },
    shuffle: (items) => {
      const order = [...items]
      for (let last = order.length - 1; last > 0; last -= 1) {
        const other = below(last + 1)
        ;[order[last], order[other]] = [order[other]!, order[last]!]
      }
      return order
    },
    hex: (bytes) => {
      let text = '0x'
      for (let count = 0; count < bytes; count += 1) text += below(256).toString(16).padStart(2, '0')
      return text as `0x${string}`
    },
    fork: (label) => createRandom(`${key}/${label}`),
  }
  return random
}

/** Small Fast Counter, 32 bits (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush. */
function sfc32(key: string): () => number {
  let [a, b, c] = [hash32(key, 0x9e3779b9), hash32(key, 0x243f6a88), hash32(key, 0xb7e15162)]
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 12; round += 1) next()
  return next
}

/** FNV-1a with the finish of MurmurHash3, so that labels that differ in one letter start far apart. */
function hash32(text: string, start: number): number {
  let hash = start | 0
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
