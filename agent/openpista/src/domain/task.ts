/** The tool call that a container works for. `expiresAt` is in unix milliseconds. */
export type Task = { callId: string; sessionId: string; expiresAt: number }

export type TaskToken = { token: string; expiresAt: number; revoke: () => void }

/**
 * Tokens with which a container shows for which call it runs. They live in this process and no longer than the
 * container; only their hashes are kept.
 */
export type TaskTokens = {
  issue: (task: Omit<Task, 'expiresAt'>, seconds: number) => TaskToken
  /** `undefined`: not one of ours, expired or revoked. */
  verify: (token: string) => Task | undefined
}
