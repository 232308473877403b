import type { LoopConfig } from '../loop.ts'
import type { RunLoop } from '../recording.ts'
import type { Store } from '../store/store.ts'
import { usedBelow } from '../store/usage.ts'
import { type WorkerRow, workerOfSession } from '../store/workers.ts'
import { usedUp } from './budget.ts'
import { type Budget, WORKER_TOOLS } from './worker.ts'

/**
 * The loop, in which the session of a worker has the tools and the budget of that worker. Its limits come on top of
 * those that hold for everybody. One that was stopped before it began ends at once.
 */
export function confineRuns(runLoop: RunLoop, store: Store, mostDepth: number): RunLoop {
  return async (messages, config, emit, signal) => {
    const worker = await workerOfSession(store.db, config.about.sessionId)
    if (worker === undefined) return await runLoop(messages, config, emit, signal)
    const stopped = worker.state === 'running' && worker.stopped === 1
    const confined = confine(config, worker, store, mostDepth)
    return await runLoop(messages, confined, emit, stopped ? AbortSignal.abort() : signal)
  }
}

function confine(config: LoopConfig, worker: WorkerRow, { db }: Store, mostDepth: number): LoopConfig {
  const names = new Set(JSON.parse(worker.tools) as string[])
  if (worker.depth < mostDepth) for (const name of WORKER_TOOLS) names.add(name)
  const budget = JSON.parse(worker.budget) as Budget
  return {
    ...config,
    tools: config.tools.filter(({ name }) => names.has(name)),
    specs: config.specs.filter(({ name }) => names.has(name)),
    limit: async (rounds, signal) => {
      const used = await usedBelow(db, worker.session_id)
      // A model that counts no tokens has rounds all the same.
      const what = usedUp(budget, { ...used, rounds: Math.max(rounds, used.rounds) })
      if (what !== undefined) return `The budget of this worker is used up: ${what}.`
      return await config.limit(rounds, signal)
    },
  }
}
