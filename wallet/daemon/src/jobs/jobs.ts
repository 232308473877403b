import type { Logger, Timers } from '@openpista/common'
import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import type { AutoStop } from '../engine/auto-stop.ts'
import type { EngineJobs } from '../engine/engine.ts'

export type Jobs = { close: () => Promise<void> }

/**
 * What the daemon does without being asked: looks after every chain when it has a new block, and once per
 * tick runs what is due and looks after chains that tell of no blocks.
 */
export function startJobs(parts: {
  engine: EngineJobs
  /** Absent where nothing is to stop by itself. */
  autoStop?: AutoStop
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'onBlock'>>
  timers: Pick<Timers, 'after'>
  log: Pick<Logger, 'error'>
  tickMillis: number
}): Jobs {
  const { engine, autoStop, adapters, timers, log, tickMillis } = parts
  const running = new Map<string, Promise<void>>()
  const start = (name: string, work: () => Promise<void>) => {
    const run = work()
      .catch((error: unknown) => log.error({ job: name, err: error }, 'A job failed; it runs again.'))
      .finally(() => running.get(name) === run && running.delete(name))
    running.set(name, run)
  }
  const follow = (network: NetworkName) => start(`follow ${network}`, () => engine.follow(network))
  const tick = () => {
    if (!running.has('due')) start('due', engine.runDue)
    if (autoStop !== undefined && !running.has('auto stop')) start('auto stop', autoStop.run)
    for (const network of adapters.keys()) if (!running.has(`follow ${network}`)) follow(network)
    cancelTick = timers.after(tickMillis, tick)
  }
  const stops = [...adapters].map(([network, adapter]) => adapter.onBlock(() => follow(network)))
  let cancelTick = timers.after(tickMillis, tick)
  return {
    close: async () => {
      cancelTick()
      for (const stop of stops) stop()
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}
