/**
 * Who may send, for those who cannot wait for the database: asked in the same turn as each write to a node. From the
 * moment that something is stopped here, nothing of it leaves the process.
 */
export type Lock = {
  /** Whether the kill switch is on. */
  locked: () => boolean
  set: (locked: boolean) => void
  /** An agent that is not active spends nothing. */
  stopAgent: (agentId: string) => void
  resumeAgent: (agentId: string) => void
  /** @param spends false for what ends a payment or pays the owner: only the kill switch stops that. */
  mayLeave: (agentId: string, spends: boolean) => boolean
}

/** @param stopped agents that are not active now. */
export function createLock(stopped: readonly string[]): Lock {
  let locked = false
  const agents = new Set(stopped)
  return {
    locked: () => locked,
    set: (value) => {
      locked = value
    },
    stopAgent: (agentId) => void agents.add(agentId),
    resumeAgent: (agentId) => void agents.delete(agentId),
    mayLeave: (agentId, spends) => !locked && !(spends && agents.has(agentId)),
  }
}
