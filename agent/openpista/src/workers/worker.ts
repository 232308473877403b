import type { Provenance } from '../domain/provenance.ts'
import type { WorkerRow } from '../store/workers.ts'

/** The channel of workers' sessions: its messages are tasks, its deliveries reports. */
export const WORKER_CHANNEL = 'worker'

/** What a worker has besides its own tools where it may start workers. */
export const WORKER_TOOLS = ['worker.start', 'worker.status', 'worker.result', 'worker.cancel'] as const

/** What a worker may use. Zero tokens or dollars: no limit of its own; those of whom it works for hold all the same. */
export type Budget = { rounds: number; tokens: number; usd: number }

/** What a worker is told to do. What is absent is as large as may be. */
export type WorkerOrder = {
  name: string | undefined
  task: string
  tools: readonly string[] | undefined
  budget: Partial<Budget>
}

/** The tool call that starts a worker. */
export type WorkerOrigin = { sessionId: string; turnId: string; callId: string }

/** One worker as it stands. `cost` is in 10^-12 US dollars; times are unix milliseconds. */
export type WorkerView = {
  id: string
  name: string
  state: WorkerRow['state']
  budget: Budget
  used: { rounds: number; tokens: number; cost: bigint }
  startedAt: number
  endedAt: number | undefined
}

/** `sources`: everybody else whose words the worker had before it, and so may be in `text`. */
export type WorkerReport = WorkerView & { text: string; sources: readonly Provenance[] }

export type WorkerStart = { ok: true; worker: WorkerView } | { ok: false; message: string }

/** The workers, as tools and commands see them: each session has its own. */
export type Workers = {
  /** The same origin again answers the worker that it started. */
  start: (order: WorkerOrder, origin: WorkerOrigin) => Promise<WorkerStart>
  /** The newest first. */
  list: (sessionId: string) => Promise<WorkerView[]>
  /**
   * What a worker, by its id or name, came to; while it runs the view alone, after waiting for its end for at most
   * `waitMs`. `undefined`: the session has no such worker.
   */
  result: (
    sessionId: string,
    worker: string,
    waitMs: number,
    signal: AbortSignal,
  ) => Promise<WorkerView | WorkerReport | undefined>
  /** Stops one and all that it started. False: none of this name runs. */
  cancel: (sessionId: string, worker: string) => Promise<boolean>
}
