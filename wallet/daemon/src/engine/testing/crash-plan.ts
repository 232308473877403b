import { join } from 'node:path'

/** A moment in a daemon's life: before or after a commit, a call to a node, or a question to the signer. */
export type Point = {
  when: 'before' | 'after'
  /** `commit TX_SIGNED`, `call eth_sendRawTransaction`, `ask sign`. */
  what: string
  /** Who is killed there. The other one of the two processes ends by itself. */
  victim: 'daemon' | 'signer' | 'both'
}

export type CrashPlan = {
  /** Where the daemon dies; none once it has. */
  point?: Point
  /** Seconds that its clock is ahead. */
  ahead: number
  /** Whether its commits and calls are written down in the order in which they begin. */
  trace?: true
}

/** In a folder that the daemon may write. */
export function crashPlanFile(dataDir: string): string {
  return join(dataDir, 'run', 'crash-plan.json')
}

/** One commit or call a line, as points name them. */
export function crashTraceFile(dataDir: string): string {
  return join(dataDir, 'run', 'crash-trace')
}
