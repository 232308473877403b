import { createHash, timingSafeEqual } from 'node:crypto'
import { newSecret } from '@openpista/common'

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

export function createTaskTokens(now: () => number): TaskTokens {
  const known = new Set<{ hash: Buffer; task: Task }>()
  return {
    issue: (task, seconds) => {
      const token = newSecret()
      const expiresAt = now() + seconds * 1000
      const entry = { hash: hashOf(token), task: { ...task, expiresAt } }
      known.add(entry)
      return { token, expiresAt, revoke: () => void known.delete(entry) }
    },
    verify: (token) => {
      const hash = hashOf(token)
      const found = [...known].find((entry) => timingSafeEqual(entry.hash, hash))
      return found !== undefined && found.task.expiresAt > now() ? found.task : undefined
    },
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
