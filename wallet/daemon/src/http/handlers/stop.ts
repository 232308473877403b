import type { Kysely } from 'kysely'
import type { KillSwitch } from '../../engine/kill-switch.ts'
import type { Tables } from '../../store/tables.ts'
import { actorOf } from '../auth/identity.ts'
import type { SessionKeys } from '../auth/session-keys.ts'
import { fail } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import type { AgentStatuses } from '../services/agent-status.ts'
import type { Agents } from '../services/agents.ts'
import type { Withdrawals } from '../services/withdraw.ts'

export type RecoveryWaits = {
  /** Seconds from the recovery to NORMAL where an owner has signed for it. */
  withOwner: number
  withoutOwner: number
}

type Parts = {
  db: Kysely<Tables>
  killSwitch: KillSwitch
  recoveryWaits: RecoveryWaits
  keys: SessionKeys
  agents: Agents
  statuses: AgentStatuses
  withdrawals: Pick<Withdrawals, 'withdraw' | 'nameAddress'>
}

type Names =
  | 'killSwitch'
  | 'getKillSwitch'
  | 'recover'
  | 'rotateSecret'
  | 'suspendAgent'
  | 'resumeAgent'
  | 'terminateAgent'
  | 'withdraw'
  | 'nameWithdrawAddress'

/** What stops: everything, one agent, or the keys of tokens. */
export function stopHandlers(parts: Parts): Pick<Handlers, Names> {
  const { killSwitch, recoveryWaits, keys, agents, statuses, withdrawals } = parts
  const agentAfter = async (id: string, change: (id: string) => Promise<void>) => {
    await change(id)
    return { status: 200 as const, body: await agents.get(id) }
  }
  return {
    killSwitch: async ({ identity, source }) => ({
      status: 200,
      body: await killSwitch.activate(actorOf(identity, source), 'asked for'),
    }),
    getKillSwitch: async () => ({ status: 200, body: await killSwitch.view() }),
    recover: async ({ owner }) => {
      const needed = await neededOwner(parts.db, (await killSwitch.view()).activatedBy)
      if (needed !== 'nobody' && owner === undefined) {
        throw fail('OWNER_SIGNATURE_REQUIRED', 'An owner has locked in, and must sign for the recovery too.')
      }
      if (needed !== 'nobody' && needed !== 'any' && needed !== owner?.ownerAddress) {
        throw fail('OWNER_SIGNATURE_REQUIRED', `The owner ${needed} has turned the kill switch on, and must sign.`)
      }
      const wait = owner === undefined ? recoveryWaits.withoutOwner : recoveryWaits.withOwner
      const actor = owner === undefined ? 'admin' : `owner:${owner.ownerAddress}`
      return { status: 200, body: await killSwitch.recover(actor, wait) }
    },
    rotateSecret: async () => ({ status: 200, body: await keys.rotate() }),
    suspendAgent: ({ params }) => agentAfter(params.id, statuses.suspend),
    resumeAgent: ({ params }) => agentAfter(params.id, statuses.resume),
    terminateAgent: ({ params }) => agentAfter(params.id, statuses.terminate),
    withdraw: async ({ params }) => ({ status: 200, body: await withdrawals.withdraw(params.id) }),
    nameWithdrawAddress: async ({ params, body, identity }) => ({
      status: 200,
      body: await withdrawals.nameAddress(params.id, body.address, identity),
    }),
  }
}

/**
 * Whose signature a recovery needs: what an owner has stopped no other owner lets go, since an operator could have
 * registered one of its own. An owner whose agents are all gone cannot be waited for.
 */
async function neededOwner(db: Kysely<Tables>, activatedBy: string | undefined): Promise<'nobody' | 'any' | string> {
  const rows = await db
    .selectFrom('agents')
    .select('owner_address')
    .where('owner_verified_at', 'is not', null)
    .where('status', '<>', 'TERMINATED')
    .execute()
  if (rows.length === 0) return 'nobody'
  const stopper = rows.find(({ owner_address }) => `owner:${owner_address}` === activatedBy)
  return stopper?.owner_address ?? 'any'
}
