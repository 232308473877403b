import type { Approver } from '../approvals/approver.ts'
import type { Store } from '../store/store.ts'
import { type Root, rootOf } from '../store/workers.ts'
import type { HumanApprover } from './human-approver.ts'

/**
 * What a worker asks is asked in the session at its root: by the rules of that channel, with what the owner allowed
 * there, and by cards that the owner sees.
 */
export function askAtRoot(store: Store, approver: Approver): Approver {
  return {
    ask: async (question, signal) => await approver.ask({ ...question, ...(await root(store, question)) }, signal),
  }
}

/** The same for the person. */
export function personAtRoot(store: Store, person: HumanApprover): Pick<HumanApprover, 'ask' | 'confirm'> {
  return {
    ...askAtRoot(store, person),
    confirm: async (question, signal) => {
      const { worker, ...place } = await root(store, question)
      const title = worker === undefined ? question.title : `Worker '${worker}': ${question.title}`
      return await person.confirm({ ...question, ...place, title }, signal)
    },
  }
}

async function root({ db }: Store, { sessionId }: { sessionId: string }): Promise<Partial<Root>> {
  return (await rootOf(db, sessionId)) ?? {}
}
