import { createHash, timingSafeEqual } from 'node:crypto'
import { newSecret } from '@openpista/common'
import type { Task, TaskTokens } from '../domain/task.ts'

/** Kept in memory: with this process all of them are gone. */
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
