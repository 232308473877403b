import { dollars } from '../domain/limits.ts'
import type { WorkerReport, WorkerView } from './worker.ts'

/** How a worker stands, on one line. */
export function workerLine(worker: WorkerView, now: number): string {
  const { rounds, tokens, cost } = worker.used
  const seconds = Math.round(((worker.endedAt ?? now) - worker.startedAt) / 1000)
  const used = `${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${tokens.toLocaleString('en-US')} tokens, ${dollars(cost)}, ${seconds} s`
  return `${worker.name} (${worker.id}): ${worker.state}; ${used}`
}

/** The head of a report. */
export function reportLine(worker: WorkerReport): string {
  const at = (moment: number) => new Date(moment).toISOString()
  const span = `${at(worker.startedAt)} to ${at(worker.endedAt ?? worker.startedAt)}`
  return `[Report of worker ${workerLine(worker, worker.startedAt)}; ${span}]`
}
