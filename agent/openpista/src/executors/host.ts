import type { Executor } from './executor.ts'
import { runProcess, scrubEnvironment } from './process.ts'

/**
 * Runs commands as the user of the agent, with all that this user may do. Only for owners who want that, or
 * where no sandbox works: every command is then worth a question.
 *
 * A command that starts a session of its own (`setsid`) leaves the process group and outlives a kill.
 */
export function createHostExecutor(env: Readonly<Record<string, string | undefined>>): Executor {
  const scrubbed = scrubEnvironment(env)
  return {
    name: 'host',
    run: (request, signal) => runProcess(['bash', '-c', request.command], scrubbed, request, signal),
  }
}
