import { type Clock, immediate } from '@openpista/common'
import { type NetworkName, networkOf, type TransactionView, type WithdrawView } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { EngineStops } from '../../engine/engine.ts'
import { suspendAgent } from '../../store/agents.ts'
import { appendEvent } from '../../store/events.ts'
import { revokeSessions } from '../../store/sessions.ts'
import type { Tables } from '../../store/tables.ts'
import { fail, isWireError } from '../fail.ts'

export type AgentStatuses = {
  /** A suspended agent reads, and spends nothing. */
  suspend: (id: string) => Promise<void>
  resume: (id: string) => Promise<void>
  /** Ends an agent that has nothing left. @throws AppError AGENT_NOT_EMPTY, CHAIN_ERROR where that cannot be told. */
  terminate: (id: string) => Promise<void>
  /** Sends everything to the owner. @throws AppError NO_OWNER, WITHDRAW_LOCKED_ONLY, SWEEP_TOTAL_FAILURE. */
  withdraw: (id: string) => Promise<WithdrawView>
}

type Parts = {
  db: Kysely<Tables>
  clock: Clock
  engine: Pick<EngineStops, 'sweepable' | 'sweep'>
  networks: readonly NetworkName[]
}

const OPEN = ['PENDING', 'QUEUED', 'EXECUTING', 'SIGNED', 'SUBMITTED'] as const

export function createAgentStatuses(parts: Parts): AgentStatuses {
  const { db, clock } = parts
  return {
    suspend: async (id) => {
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
    },
    terminate: async (id) => {
      const agent = await findAgent(db, id)
      if (agent.status === 'TERMINATED') return
      await assertNoFunds(parts, agent)
      await immediate(db, (transaction) => end(transaction, clock.seconds(), id))
    },
    withdraw: (id) => withdraw(parts, id),
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
    .where('status', 'in', [...OPEN])
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

async function chainsOf(parts: Parts, agentId: string) {
  const wallets = await parts.db.selectFrom('wallets').selectAll().where('agent_id', '=', agentId).execute()
  return parts.networks.flatMap((network) => {
    const wallet = wallets.find(({ chain }) => chain === networkOf(network).family)
    return wallet === undefined ? [] : [{ network, wallet }]
  })
}

/** What could be sent home must be sent home first; dust that pays for no transfer may stay. */
async function assertNoFunds(parts: Parts, agent: AgentRow): Promise<void> {
  for (const { network, wallet } of await chainsOf(parts, agent.id)) {
    const target = agent.owner_family === wallet.chain && agent.owner_address ? agent.owner_address : wallet.address
    const left = await parts.engine.sweepable(agent.id, network, target)
    if (left.kind === 'unknown') throw fail('CHAIN_ERROR', `The balance on ${network} is not known: ${left.message}`)
    if (left.kind === 'amount') {
      throw fail('AGENT_NOT_EMPTY', `There is still money on ${network}.`, {
        details: { network, amount: left.amount.toString() },
      })
    }
  }
}

async function withdraw(parts: Parts, id: string): Promise<WithdrawView> {
  const agent = await livingAgent(parts.db, id)
  const { owner_address: owner, owner_family: family } = agent
  if (owner === null || family === null) throw fail('NO_OWNER', 'No owner is registered for this agent.')
  if (agent.owner_verified_at === null) {
    throw fail('WITHDRAW_LOCKED_ONLY', 'The owner has never signed, so the address may be a mistake.')
  }
  const items: TransactionView[] = []
  const skipped: { network: string; why: string }[] = []
  let failed = false
  for (const { network, wallet } of await chainsOf(parts, id)) {
    if (wallet.chain !== family) {
      skipped.push({ network, why: `The owner's address is on ${family}.` })
      continue
    }
    const result = await sweepOne(parts, id, network, owner)
    if ('why' in result) {
      skipped.push({ network, why: result.why })
      failed ||= result.failed
    } else items.push(result)
  }
  if (items.length === 0 && failed) {
    throw fail('SWEEP_TOTAL_FAILURE', 'Nothing could be sent to the owner.', { details: { skipped } })
  }
  return { items, skipped }
}

async function sweepOne(
  parts: Parts,
  id: string,
  network: NetworkName,
  owner: string,
): Promise<TransactionView | { why: string; failed: boolean }> {
  const left = await parts.engine.sweepable(id, network, owner)
  if (left.kind === 'unknown') return { why: left.message, failed: true }
  if (left.kind === 'empty')
    return { why: `Nothing that pays for its transfer: ${left.left} base units.`, failed: false }
  try {
    const view = await parts.engine.sweep(id, network, owner, left.amount)
    return view.error === undefined ? view : { why: view.error.message, failed: true }
  } catch (error) {
    if (!isWireError(error)) throw error
    return { why: error.message, failed: true }
  }
}
