import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLane } from './lane.ts'

type Step = { kind: 'pay'; cost: bigint } | { kind: 'block'; most: number } | { kind: 'doubt' }

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('pay' as const), cost: fc.bigInt(1n, 6n) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('block' as const), most: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('doubt' as const) }) },
  ),
  { maxLength: 40 },
)

/** Blocks after which what one has counts as final, and is not among the costs any more. */
const FINAL = 3

/** Of which block the coins are, in blocks below the newest one; and of how many blocks earlier the count. */
type Lag = { coins: number; count: number }

/** An account and its lane. Nodes show any block, and some a count from before it. */
function world(coins: bigint, behind: () => Lag) {
  const signed: bigint[] = []
  const blocks = [{ balance: coins, count: 0n }]
  const newest = () => blocks.at(-1)!
  const blockAt = (below: number) => blocks[Math.max(0, blocks.length - 1 - below)]!
  const shown = () => {
    const lag = behind()
    return { balance: blockAt(lag.coins).balance, count: blockAt(lag.coins + lag.count).count }
  }
  const lane = createLane({
    numbers: async () => {
      const final = blockAt(FINAL).count
      const open = signed.map((cost, index) => [BigInt(index), cost] as const).filter(([index]) => index >= final)
      const known = { notAccepted: new Set<bigint>(), most: 64, gaps: [] }
      const { count } = newest()
      return { ok: true, numbers: { ...known, costs: new Map(open), count, next: BigInt(signed.length) } }
    },
    funds: async () => ({ ok: true, ...shown() }),
    inBlocks: async (sequences) => sequences.some((sequence) => sequence < newest().count),
  })
  return {
    lane,
    signed,
    pay: (cost: bigint) =>
      lane.take({
        make: async () => ({ made: cost, cost }),
        store: async (made) => ({ held: true, value: signed.push(made) }),
      }),
    block: (most: number) => {
      const { balance, count } = newest()
      const taken = signed.slice(Number(count), Number(count) + most)
      blocks.push({ balance: balance - taken.reduce((a, b) => a + b, 0n), count: count + BigInt(taken.length) })
    },
  }
}

test('whatever block a node shows, no more is signed than the account has, and what it has can be paid', async () => {
  const lag = fc.infiniteStream(
    fc.record({
      coins: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 })),
      count: fc.integer({ min: 0, max: 1 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.bigInt(1n, 15n), steps, lag, async (coins, run, behind) => {
      let isHonest = false
      const account = world(coins, () => (isHonest ? { coins: 0, count: 0 } : behind.next().value))
      const total = () => account.signed.reduce((a, b) => a + b, 0n)
      for (const step of run as Step[]) {
        if (step.kind === 'doubt') account.lane.doubt()
        else if (step.kind === 'block') account.block(step.most)
        else {
          const taken = await account.pay(step.cost)
          if (!taken.ok && 'short' in taken)
            expect(total() + step.cost, 'fails only for lack of coins').toBeGreaterThan(coins)
          expect(total(), 'signed').toBeLessThanOrEqual(coins)
        }
      }
      isHonest = true
      const left = coins - total()
      if (left > 0n) expect(await account.pay(left)).toMatchObject({ ok: true })
    }),
    { numRuns: 2000 },
  )
})
