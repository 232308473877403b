import type { ContainerSpec } from './container.ts'

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

/** An image with its limits, as the configuration offers it under a name. */
export type ContainerOffer = {
  name: string
  image: string
  /** False: no network at all. */
  network: boolean
  memoryMb: number
  cpuMillis: number
  pids: number
}

export type Mount = { source: string; target: string; readOnly: boolean }

export type ContainerOutcome =
  | { ok: true; result: ExecResult }
  /** `missing`: there is no engine. */
  | { ok: false; message: string; missing: boolean }

/** `taskToken`: whether a call may have a token of its own for it; see `TaskTokens`. */
export type ContainerImage = ContainerOffer & { workspace: 'none' | 'read' | 'write'; taskToken: boolean }

/** What may run in containers, each time in a fresh one. */
export type ContainerHost = {
  images: readonly ContainerImage[]
  /** True: without an engine a command runs where the session's commands run. */
  fallback: boolean
  /** `cwd` and the mounts' targets are paths inside the container. */
  run: (
    program: Pick<ContainerSpec, 'offer' | 'argv' | 'cwd' | 'mounts' | 'env'>,
    request: Pick<ExecRequest, 'timeoutSeconds' | 'maxOutput' | 'onOutput'>,
    signal: AbortSignal,
  ) => Promise<ContainerOutcome>
}
