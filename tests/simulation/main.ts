// npm run simulate -- --seeds N [--from S] [--only evm|solana] [--workers 2] [--keep] [--trace]
// npm run simulate -- --mutants [--seeds N] [--name TEXT]

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runSeed } from './driver.ts'
import { evmFaultKinds } from './evm-faults.ts'
import { runMutants } from './run-mutants.ts'
import { solanaFaults } from './solana-faults.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    workers: { type: 'string', default: '1' },
    /** Every how many-th seed. */
    step: { type: 'string', default: '1' },
    /** Each result as a line of JSON, for the process that collects them. */
    json: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    /** Go on after a seed that fails. */
    keep: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    name: { type: 'string' },
  },
})

/** A run of at least so many seeds has to meet every fault. */
const SEEDS_FOR_ALL_FAULTS = 1_000
const PROGRESS_SEEDS = 100

const FAULTS: Readonly<Record<'evm' | 'solana', readonly string[]>> = {
  evm: evmFaultKinds,
  solana: Object.keys(solanaFaults),
}

/** A result as it goes from a worker to the process that collects. */
type Result = {
  seed: number
  failure?: { rule: string; message: string }
  struck: [string, number][]
  acts: [string, number][]
  simulatedMillis: number
}

const only = values.only as 'evm' | 'solana' | undefined
const [seeds, from, workers, step] = [values.seeds, values.from, values.workers, values.step].map(Number) as [
  number,
  number,
  number,
  number,
]

async function* seedsHere(): AsyncGenerator<Result> {
  for (let seed = from; seed < from + seeds; seed += step) {
    const { failure, struck, acts, simulatedMillis } = await runSeed(seed, {
      ...(only && { only }),
      ...(values.trace && { onTrace: console.log }),
    })
    yield { seed, ...(failure && { failure }), struck: [...struck], acts: [...acts], simulatedMillis }
  }
}

async function* seedsOf(worker: number): AsyncGenerator<Result> {
  const first = from + worker
  const args = ['--json', '--keep', '--from', `${first}`, '--seeds', `${from + seeds - first}`, '--step', `${workers}`]
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args, ...(only ? ['--only', only] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Result
  } finally {
    child.kill()
  }
}

function createSummary() {
  const struck = new Map<string, number>()
  const acts = new Map<string, number>()
  const failed: number[] = []
  let [done, simulated] = [0, 0]
  return {
    failed,
    add: (result: Result) => {
      done += 1
      simulated += result.simulatedMillis
      for (const [name, count] of result.struck) struck.set(name, (struck.get(name) ?? 0) + count)
      for (const [name, count] of result.acts) acts.set(name, (acts.get(name) ?? 0) + count)
      if (done % PROGRESS_SEEDS === 0) console.log(`${done} seeds`)
      if (result.failure === undefined) return
      failed.push(result.seed)
      console.log(`seed ${result.seed}: ${result.failure.rule}: ${result.failure.message}`)
      const kind = only === undefined ? '' : ` --only ${only}`
      console.log(`  again: npm run simulate -- --seeds 1 --from ${result.seed}${kind} --trace`)
    },
    /** Faults that never struck in this run. */
    missing: () => {
      const kinds = new Set([...struck.keys()].map((key) => key.split(' / ')[0]!))
      const all = only === undefined ? Object.values(FAULTS).flat() : FAULTS[only]
      return all.filter((kind) => !kinds.has(kind))
    },
    tell: (seconds: number) => {
      const hours = Math.round(simulated / 3_600_000)
      console.log(`${done} seeds, ${failed.length} failed, ${hours} simulated hours, ${seconds} s`)
      console.log(`acts: ${[...acts].map(([name, count]) => `${name} ${count}`).join(', ')}`)
      console.log(`fault x status x purpose: ${struck.size} combinations`)
    },
  }
}

async function simulate(): Promise<boolean> {
  const summary = createSummary()
  const started = performance.now()
  const collect = async (results: AsyncGenerator<Result>) => {
    for await (const result of results) {
      if (values.json) console.log(JSON.stringify(result))
      else summary.add(result)
      if (summary.failed.length > 0 && !values.keep) return
    }
  }
  if (workers === 1) await collect(seedsHere())
  else await Promise.all(Array.from({ length: workers }, (_, worker) => collect(seedsOf(worker))))
  if (values.json) return true
  summary.tell(Math.round((performance.now() - started) / 1000))
  const missing = summary.missing()
  if (seeds >= SEEDS_FOR_ALL_FAULTS && missing.length > 0) console.log(`never struck: ${missing.join(', ')}`)
  return summary.failed.length === 0 && (seeds < SEEDS_FOR_ALL_FAULTS || missing.length === 0)
}

const isFine = values.mutants ? await runMutants(seeds, values.name) : await simulate()
process.exitCode = isFine ? 0 : 1
