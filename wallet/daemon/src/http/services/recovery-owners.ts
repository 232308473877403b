import type { KillSwitchView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from '../../store/tables.ts'

/** An owner whose signature a recovery takes, with the agent to ask a challenge for. */
export type RecoveryOwner = { agentId: string; agentName: string; ownerAddress: string }

/**
 * Owners of whom one must sign for the recovery; none where the operator may recover alone.
 *
 * Only an owner who was locked in before the stop counts: an operator, or whoever has the password, could register an
 * owner and sign for it afterwards. What such an owner has stopped, or has taken over, only that owner releases. An
 * owner whose agents are all terminated cannot be waited for.
 */
export async function recoveryOwners(db: Kysely<Tables>, { activatedBy }: KillSwitchView): Promise<RecoveryOwner[]> {
  const owners = await ownersBeforeStop(db)
  const stoppers = owners.filter(({ ownerAddress }) => activatedBy === `owner:${ownerAddress}`)
  return stoppers.length > 0 ? stoppers : owners
}

/** True where this owner may take over the stop that is on: it counts, and no owner who counts has it already. */
export async function mayTakeOver(db: Kysely<Tables>, view: KillSwitchView, ownerAddress: string): Promise<boolean> {
  if (view.state !== 'ACTIVATED') return false
  const owners = await ownersBeforeStop(db)
  const counts = (address: string) => owners.some((owner) => owner.ownerAddress === address)
  const stopper = view.activatedBy?.startsWith('owner:') === true ? view.activatedBy.slice('owner:'.length) : undefined
  return counts(ownerAddress) && (stopper === undefined || !counts(stopper))
}

/** Told by the order of the event log, not by times of one second: the first signature and the stop may share one. */
async function ownersBeforeStop(db: Kysely<Tables>): Promise<RecoveryOwner[]> {
  const began = await stopBegan(db)
  return await db
    .selectFrom('agents')
    .select(['id as agentId', 'name as agentName'])
    .select((select) => select.ref('owner_address').$notNull().as('ownerAddress'))
    .where('owner_verified_at', 'is not', null)
    .where('status', '<>', 'TERMINATED')
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('events')
            .select('seq')
            .where('seq', '>', began)
            .where('type', '=', 'OWNER_VERIFIED')
            .whereRef('events.agent_id', '=', 'agents.id'),
        ),
      ),
    )
    .orderBy('id')
    .execute()
}

/** The number of the event that began the stop: a stop during the recovery continues it. */
async function stopBegan(db: Kysely<Tables>): Promise<number> {
  const { released } = await db
    .selectFrom('events')
    .select((select) => select.fn.max<number | null>('seq').as('released'))
    .where('type', '=', 'KILL_SWITCH_RECOVERED')
    .executeTakeFirstOrThrow()
  const first = await db
    .selectFrom('events')
    .select('seq')
    .where('type', '=', 'KILL_SWITCH_ACTIVATED')
    .where('seq', '>', released ?? 0)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return first?.seq ?? 0
}
