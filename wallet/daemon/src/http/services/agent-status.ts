import { type Clock, immediate } from '@openpista/common'
import type { Kysely, Selectable } from 'kysely'
import type { EngineByHand } from '../../engine/engine.ts'
import { suspendAgent } from '../../store/agents.ts'
import { appendEvent } from '../../store/events.ts'
import { revokeSessions } from '../../store/sessions.ts'
import type { Tables } from '../../store/tables.ts'
import { openStatuses } from '../../store/transactions.ts'
import { fail } from '../fail.ts'
import type { Withdrawals } from './withdraw.ts'

export type AgentStatuses = {
  /** A suspended agent reads, and spends nothing. */
  suspend: (id: string) => Promise<void>
  resume: (id: string) => Promise<void>
  /** Ends an agent that has nothing left. @throws AppError AGENT_NOT_EMPTY, CHAIN_ERROR where that cannot be told. */
  terminate: (id: string) => Promise<void>
}

type Parts = {
  db: Kysely<Tables>
  clock: Clock
  withdrawals: Pick<Withdrawals, 'assertEmpty'>
  /** From the first moment nothing that the agent spends leaves the process. */
  engine: Pick<EngineByHand, 'stopAgent' | 'resumeAgent'>
}

export function createAgentStatuses(parts: Parts): AgentStatuses {
  const { db, clock, engine } = parts
  return {
    suspend: async (id) => {
      engine.stopAgent((await findAgent(db, id)).id)
      await immediate(db, async (transaction) => {
        await livingAgent(transaction, id)
        await suspendAgent(transaction, clock.seconds(), id, { actor: 'admin', why: 'the operator' })
      })
    },
    resume: async (id) => {
      await immediate(db, async (transaction) => {
        const agent = await livingAgent(transaction, id)
        if (agent.status === 'ACTIVE') return
        const now = clock.seconds()
        const change = { status: 'ACTIVE' as const, updated_at: now }
        await transaction.updateTable('agents').set(change).where('id', '=', id).execute()
        await appendEvent(transaction, now, { type: 'AGENT_RESUMED', actor: 'admin', agentId: id })
      })
      engine.resumeAgent(id)
    },
    terminate: async (id) => {
      const agent = await findAgent(db, id)
      if (agent.status === 'TERMINATED') return
      await parts.withdrawals.assertEmpty(agent)
      engine.stopAgent(id)
      try {
        await immediate(db, (transaction) => end(transaction, clock.seconds(), id))
      } catch (error) {
        if (agent.status === 'ACTIVE') engine.resumeAgent(id)
        throw error
      }
    },
  }
}

type AgentRow = Selectable<Tables['agents']>

async function findAgent(db: Kysely<Tables>, id: string): Promise<AgentRow> {
  const agent = await db.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
  return agent
}

async function livingAgent(db: Kysely<Tables>, id: string): Promise<AgentRow> {
  const agent = await findAgent(db, id)
  if (agent.status === 'TERMINATED') throw fail('AGENT_TERMINATED', `The agent ${agent.name} was terminated.`)
  return agent
}

async function end(transaction: Kysely<Tables>, now: number, id: string): Promise<void> {
  const open = await transaction
    .selectFrom('transactions')
    .select('id')
    .where('agent_id', '=', id)
    .where('status', 'in', openStatuses)
    // A transaction made elsewhere may stay signed for ever; without funds it can do nothing.
    .where((where) => where.or([where('type', '<>', 'SIGN'), where('status', '<>', 'SIGNED')]))
    .executeTakeFirst()
  if (open !== undefined) {
    throw fail('AGENT_NOT_EMPTY', `The transaction ${open.id} is still open.`, {
      hint: 'Cancel it, or wait for its end.',
      details: { transactionId: open.id },
    })
  }
  const change = { status: 'TERMINATED' as const, updated_at: now }
  await transaction.updateTable('agents').set(change).where('id', '=', id).execute()
  await revokeSessions(transaction, now, { actor: 'admin', agentId: id, why: 'the agent was terminated' })
  await appendEvent(transaction, now, { type: 'AGENT_TERMINATED', actor: 'admin', agentId: id })
}
