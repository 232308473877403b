import { join } from 'node:path'

/** A moment in an agent's life: before or after a commit to its database that carries a step. */
export type Step = {
  when: 'before' | 'after'
  /** Table and state of a row: `tool_calls STARTED`. */
  what: string
  /** At which of such commits; the first is 1. */
  nth: number
}

export type CrashPlan = {
  /** Where the agent dies; none once it has. */
  step?: Step
  /** Seconds that its clock is ahead. */
  ahead: number
}

/** In the agent's home folder. */
export function crashPlanFile(home: string): string {
  return join(home, 'crash-plan.json')
}
