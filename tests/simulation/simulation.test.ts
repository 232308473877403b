import { expect, test } from 'vitest'
import { runSeed } from './driver.ts'
import { mutants } from './mutants.ts'
import { mutated } from './run-mutants.ts'

/** As many as a quiet machine runs in a minute. */
const SEEDS = 100
/** For machines that are busy with something else. */
const LONGEST_MS = 600_000

test('Whatever nodes, people and crashes do, a payment is made once and everything comes to its end.', {
  timeout: LONGEST_MS,
}, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { failure } = await runSeed(seed)
    expect(failure, `npm run simulate -- --seeds 1 --from ${seed} --trace`).toBeUndefined()
  }
})

// Found beyond these: 718, where a proof by hand left what waited behind it waiting; 2762 and 4015, where a blockhash that
// no block carries was found to be so too late for a proof; 7701, where a node's late words said what did not hold any more.
test.each([718, 2762, 4015, 7701])(
  'Seed %i, which failed once, comes to its end.',
  { timeout: LONGEST_MS },
  async (seed) => {
    expect((await runSeed(seed)).failure).toBeUndefined()
  },
)

test('The same seed does the same twice, on both chains, and another one something else.', {
  timeout: LONGEST_MS,
}, async () => {
  const traces = new Set<string>()
  for (const only of ['evm', 'solana'] as const) {
    for (const seed of [3, 4]) {
      const { trace } = await runSeed(seed, { only })
      expect((await runSeed(seed, { only })).trace).toBe(trace)
      traces.add(trace)
    }
  }
  expect(traces.size).toBe(4)
})

test.each(mutants)('The text of the mutant "$name" is there once.', (mutant) => {
  expect(mutated(mutant)).toContain(mutant.replacement)
})
