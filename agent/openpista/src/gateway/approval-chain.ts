import type { Approver } from '../approvals/approver.ts'
import type { ApprovalMemory } from '../approvals/rules.ts'

/**
 * Rules first, then the person. "Allow for session" is remembered for calls of the same scope; whether it counts is
 * the rules' to say each time.
 */
export function chainApprovers(rules: Approver, person: Approver, memory: ApprovalMemory): Approver {
  return {
    ask: async (question, signal) => {
      const ruled = await rules.ask(question, signal)
      if (ruled !== undefined) return ruled
      const answer = await person.ask(question, signal)
      if (answer?.decision === 'allow_for_session') await memory.remember(question.sessionId, question.scope)
      return answer
    },
  }
}
