import type { Kysely } from 'kysely'
import type { KillSwitch } from '../../engine/kill-switch.ts'
import type { Tables } from '../../store/tables.ts'
import { actorOf } from '../auth/identity.ts'
import type { SessionKeys } from '../auth/session-keys.ts'
import { fail } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import type { AgentStatuses } from '../services/agent-status.ts'
import type { Agents } from '../services/agents.ts'
import { mayTakeOver, type RecoveryOwner, recoveryOwners } from '../services/recovery-owners.ts'
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
  const { db, killSwitch, recoveryWaits, keys, agents, statuses, withdrawals } = parts
  const agentAfter = async (id: string, change: (id: string) => Promise<void>) => {
    await change(id)
    return { status: 200 as const, body: await agents.get(id) }
  }
  return {
    killSwitch: async ({ identity, source }) => {
      const actor = actorOf(identity, source)
      const view = await killSwitch.view()
      const takesOver = identity.kind === 'owner' && (await mayTakeOver(db, view, identity.ownerAddress))
      const stop = takesOver ? killSwitch.takeOver(actor, view.activatedBy) : killSwitch.activate(actor, 'asked for')
      return { status: 200, body: await stop }
    },
    getKillSwitch: async () => ({ status: 200, body: await killSwitch.view() }),
    recover: async ({ owner }) => {
      const owners = await recoveryOwners(db, await killSwitch.view())
      const signed = owners.find(({ ownerAddress }) => ownerAddress === owner?.ownerAddress)
      if (owners.length > 0 && signed === undefined) throw ownerNeeded(owners)
      // An owner who does not count shortens no wait either.
      const wait = signed === undefined ? recoveryWaits.withoutOwner : recoveryWaits.withOwner
      const actor = signed === undefined ? 'admin' : `owner:${signed.ownerAddress}`
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

function ownerNeeded(owners: readonly RecoveryOwner[]) {
  const names = owners.map(({ ownerAddress, agentName }) => `${ownerAddress} (agent ${agentName})`).join(' or ')
  const message = `The recovery needs the signature of an owner who was locked in before the stop: ${names}.`
  return fail('OWNER_SIGNATURE_REQUIRED', message, { details: { owners } })
}
