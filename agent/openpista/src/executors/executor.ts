/** What ran: everything it printed is bounded, and the exit tells how it ended. */
export type ExecResult = {
  stdout: string
  stderr: string
  /** Exit code; `null` when it was killed. */
  exitCode: number | null
  /** Why it was killed, if it was. */
  killed: 'timeout' | 'cancelled' | null
  truncated: boolean
}

export type ExecRequest = {
  command: string
  /** Absolute, inside what the executor allows. */
  cwd: string
  timeoutSeconds: number
  /** Characters kept of each stream; the rest is read and dropped. */
  maxOutput: number
  onOutput: (text: string) => void
}

/**
 * Where commands run. Made from configuration for a session; image, network, mounts and limits are never
 * arguments of a tool. Killing means the whole process group.
 */
export type Executor = {
  /** One word for cards and logs: `host`, `bubblewrap`. */
  name: string
  run: (request: ExecRequest, signal: AbortSignal) => Promise<ExecResult>
}
