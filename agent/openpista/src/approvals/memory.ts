import type { ApprovalMemory } from './rules.ts'

/** Remembers in this process only: after a restart everything is asked again. */
export function createApprovalMemory(): ApprovalMemory {
  const allowed = new Map<string, Set<string>>()
  return {
    has: (sessionId, scope) => allowed.get(sessionId)?.has(scope) ?? false,
    remember: (sessionId, scope) => {
      const scopes = allowed.get(sessionId) ?? new Set()
      allowed.set(sessionId, scopes.add(scope))
    },
  }
}
