import { expect, test } from 'vitest'
import { createLane, type Lane, type LaneSource } from './lane.ts'

/** Nothing is out, and one transaction costs 1. */
const free = { count: 0n, costs: new Map<bigint, bigint>(), notAccepted: new Set<bigint>() }

type Chain = { balance?: bigint; count?: bigint; most?: number; inBlocks?: boolean }

/** A lane whose chain starts at `first`, and how often it asked for its numbers. */
function laneFrom(
  first: bigint,
  gaps: readonly bigint[] = [],
  { balance = 10n ** 9n, count = 0n, most = 1_000, inBlocks = false }: Chain = {},
) {
  const stored: bigint[] = []
  const chain = { balance, count, inBlocks }
  let reads = 0
  const source: LaneSource = {
    numbers: async () => {
      reads += 1
      const next = stored.reduce((highest, each) => (each >= highest ? each + 1n : highest), first)
      const costs = new Map(stored.filter((each) => each >= chain.count).map((each) => [each, 1n]))
      return {
        ok: true,
        numbers: { ...free, costs, next, most, gaps: gaps.filter((gap) => !stored.includes(gap)), count: chain.count },
      }
    },
    funds: async () => ({ ok: true, ...chain }),
    inBlocks: async () => chain.inBlocks,
  }
  return { lane: createLane(source), stored, chain, reads: () => reads }
}

type How = { uses: (sequence: bigint) => boolean; holds: boolean }
const well: How = { uses: () => true, holds: true }

/** Takes a number; answers what was stored, or that nothing was. */
async function take({ lane, stored }: { lane: Lane; stored: bigint[] }, how: How = well, made: bigint[] = []) {
  const taken = await lane.take<bigint, bigint | 'nothing'>({
    make: async (sequence) => {
      made.push(sequence)
      await new Promise(setImmediate)
      return how.uses(sequence) ? { made: sequence, cost: 1n } : { value: 'nothing' }
    },
    store: async (sequence) => {
      await new Promise(setImmediate)
      if (how.holds) stored.push(sequence)
      return { held: how.holds, value: how.holds ? sequence : 'nothing' }
    },
  })
  if (!taken.ok) throw new Error('short' in taken ? `short of ${taken.short}` : taken.message)
  return taken.value
}

test('who waits together gets numbers in a row, in the order of asking, and free ones first', async () => {
  const numbers = laneFrom(10n, [4n, 7n])
  const got = await Promise.all(Array.from({ length: 100 }, () => take(numbers)))
  const fresh = Array.from({ length: 98 }, (_, index) => 10n + BigInt(index))
  expect(got).toEqual([4n, 7n, ...fresh])
  expect(numbers.stored).toEqual(got)
  expect(numbers.reads()).toBe(1)
})

test('those who wait together make their signatures at the same time', async () => {
  const numbers = laneFrom(0n)
  const all = Promise.withResolvers<void>()
  let making = 0
  const use = {
    make: async (sequence: bigint) => {
      making += 1
      if (making === 32) all.resolve()
      await all.promise
      return { made: sequence, cost: 1n }
    },
    store: async (sequence: bigint) => ({ held: true, value: sequence }),
  }
  const taken = await Promise.all(Array.from({ length: 32 }, () => numbers.lane.take(use)))
  expect(taken).toEqual(Array.from({ length: 32 }, (_, index) => ({ ok: true, value: BigInt(index) })))
})

test('a number that was not used goes to the next one, and what was made for later numbers is made anew', async () => {
  const numbers = laneFrom(0n)
  const made = Array.from({ length: 6 }, (): bigint[] => [])
  const got = await Promise.all(
    made.map((tried, index) => take(numbers, { ...well, uses: () => index !== 1 && index !== 3 }, tried)),
  )
  expect(got).toEqual([0n, 'nothing', 1n, 'nothing', 2n, 3n])
  expect(numbers.stored).toEqual([0n, 1n, 2n, 3n])
  expect(made).toEqual([[0n], [1n], [2n, 1n], [3n], [4n, 2n], [5n, 3n]])
})

test('where nobody uses a number everybody is answered, and the number stays', async () => {
  const numbers = laneFrom(5n)
  const nobody = { ...well, uses: () => false }
  const got = await Promise.all(Array.from({ length: 70 }, () => take(numbers, nobody)))
  expect(new Set(got)).toEqual(new Set(['nothing']))
  expect(await take(numbers)).toBe(5n)
})

test('one that throws takes no number from the others', async () => {
  const numbers = laneFrom(0n)
  const thrown = new Error('no')
  const throwing = numbers.lane.take({
    make: () => Promise.reject(thrown),
    store: async () => ({ held: true, value: 0n }),
  })
  const others = Promise.all([take(numbers), take(numbers)])
  await expect(throwing).rejects.toBe(thrown)
  expect(await others).toEqual([0n, 1n])
})

test('after a signature that did not hold the numbers are read again, once all others are stored', async () => {
  const numbers = laneFrom(0n)
  const got = await Promise.all([take(numbers), take(numbers, { ...well, holds: false }), take(numbers)])
  expect(got).toEqual([0n, 'nothing', 2n])
  expect(numbers.reads()).toBe(1)
  expect(await take(numbers)).toBe(3n)
  expect(numbers.reads()).toBe(2)
})

test('numbers that cannot be read refuse everybody who waits, and nobody after', async () => {
  let works = false
  const numbers3 = { ...free, next: 3n, gaps: [], most: 64 }
  const lane = createLane({
    numbers: async () => (works ? { ok: true, numbers: numbers3 } : { ok: false, message: 'no node', lasting: false }),
    funds: async () => ({ ok: true, balance: 100n, count: 0n }),
    inBlocks: async () => false,
  })
  const numbers = { lane, stored: [] }
  const refused = await Promise.allSettled([take(numbers), take(numbers), take(numbers)])
  expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  works = true
  expect(await Promise.all([take(numbers), take(numbers)])).toEqual([3n, 4n])
})

test('a gap is filled alone: no number is given out meanwhile', async () => {
  const numbers = laneFrom(9n, [6n])
  const filling = numbers.lane.fillGap(async (sequence, next) => {
    expect([sequence, next]).toEqual([6n, 9n])
    await new Promise(setImmediate)
    numbers.stored.push(sequence)
    return true
  })
  const taken = take(numbers)
  expect(await filling).toBe('filled')
  expect(await taken).toBe(9n)
  expect(numbers.stored).toEqual([6n, 9n])
})

test('what is out and what is signed together has to be covered by the coins of the account', async () => {
  const numbers = laneFrom(0n, [], { balance: 2n })
  const got = await Promise.allSettled([take(numbers), take(numbers), take(numbers)])
  expect(got.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
    0n,
    1n,
    'Error: short of 1',
  ])
  // The first is in a block: what it took is gone from the balance, and counts no more.
  numbers.chain.count = 1n
  expect(await take(numbers)).toBe(2n)
})

test('one that is too dear takes no number from the next one', async () => {
  const numbers = laneFrom(0n, [], { balance: 5n })
  const dear = numbers.lane.take({
    make: async (sequence: bigint) => ({ made: sequence, cost: 6n }),
    store: async () => ({ held: true, value: 0n }),
  })
  const next = take(numbers)
  expect(await dear).toEqual({ ok: false, short: 1n })
  expect(await next).toBe(0n)
})

test('above a number that no node has taken nothing is signed, until one has', async () => {
  const numbers = laneFrom(0n)
  expect(await take(numbers)).toBe(0n)
  numbers.lane.notAccepted(0n)
  await expect(take(numbers)).rejects.toThrow('number 0 is taken')
  numbers.lane.accepted(0n)
  expect(await take(numbers)).toBe(1n)
})

test('no more are unconsumed than nodes keep for one account', async () => {
  const numbers = laneFrom(0n, [], { most: 2 })
  const got = await Promise.allSettled([take(numbers), take(numbers), take(numbers)])
  expect(got.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  await expect(take(numbers)).rejects.toThrow('in blocks')
  numbers.chain.count = 1n
  expect(await take(numbers)).toBe(2n)
})

test('what a node says of a number while the numbers are read is not forgotten', async () => {
  const reads: (() => void)[] = []
  const answer = { ok: true as const, numbers: { ...free, next: 1n, most: 64, gaps: [] } }
  const lane = createLane({
    numbers: () => new Promise((resolve) => reads.push(() => resolve(answer))),
    funds: async () => ({ ok: true, balance: 10n ** 9n, count: 0n }),
    inBlocks: async () => false,
  })
  const looked = lane.fillGap(async () => false)
  await expect.poll(() => reads.length).toBe(1)
  lane.notAccepted(0n)
  reads.shift()!()
  await looked
  const use = {
    make: async (made: bigint) => ({ made, cost: 1n }),
    store: async (value: bigint) => ({ held: true, value }),
  }
  expect(await lane.take(use)).toMatchObject({ ok: false, behind: true })
  lane.accepted(0n)
  expect(await lane.take(use)).toMatchObject({ ok: true, value: 1n })
})

test('coins from before a block are counted with what that block took', async () => {
  const numbers = laneFrom(0n, [], { balance: 3n })
  expect(await take(numbers)).toBe(0n)
  Object.assign(numbers.chain, { balance: 2n, count: 1n })
  expect(await take(numbers)).toBe(1n)
  // Another node, which is behind.
  Object.assign(numbers.chain, { balance: 3n, count: 0n })
  expect(await take(numbers)).toBe(2n)
  await expect(take(numbers)).rejects.toThrow('short of 1')
  expect(numbers.reads()).toBe(1)
})

test('coins from before what is known of the account are not spent, and its numbers are read again', async () => {
  const numbers = laneFrom(5n, [], { balance: 2n, count: 5n })
  await expect(take(numbers, { ...well, uses: () => false })).resolves.toBe('nothing')
  numbers.chain.count = 4n
  await expect(take(numbers)).rejects.toThrow('show the newest blocks again')
  expect(numbers.reads()).toBe(1)
  numbers.chain.count = 5n
  expect(await take(numbers)).toBe(5n)
  expect(numbers.reads()).toBe(2)
})

test('coins without what a block has taken are no reason to fail: it waits', async () => {
  const numbers = laneFrom(0n, [], { balance: 2n })
  expect(await take(numbers)).toBe(0n)
  Object.assign(numbers.chain, { balance: 1n, inBlocks: true })
  await expect(take(numbers)).rejects.toThrow('show what is in blocks already')
  numbers.chain.count = 1n
  expect(await take(numbers)).toBe(1n)
})
