import { type ChainFamily, type NetworkName, networkOf } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { Tables } from './tables.ts'

type Owned = Pick<
  Selectable<Tables['agents']>,
  'id' | 'owner_address' | 'owner_family' | 'owner_network' | 'owner_verified_at'
>

/**
 * Where everything goes that an agent has on a network: to its owner, or where the owner's own address is no good
 * there, to the address that this owner has named. Undefined where nobody has signed for one.
 */
export async function homeOf(db: Kysely<Tables>, agent: Owned, network: NetworkName): Promise<string | undefined> {
  if (agent.owner_address === null || agent.owner_verified_at === null) return undefined
  if (ownerLivesOn(agent, network)) return agent.owner_address
  const named = await db
    .selectFrom('withdraw_addresses')
    .select('address')
    .where('agent_id', '=', agent.id)
    .where('family', '=', networkOf(network).family)
    .where('named_by', '=', agent.owner_address)
    .executeTakeFirst()
  return named?.address
}

/** A contract's address may be somebody else's on another network. */
export function ownerLivesOn(agent: Pick<Owned, 'owner_family' | 'owner_network'>, network: NetworkName): boolean {
  return (
    agent.owner_family === networkOf(network).family &&
    (agent.owner_network === null || agent.owner_network === network)
  )
}

export async function nameWithdrawAddress(
  db: Kysely<Tables>,
  row: { agent_id: string; family: ChainFamily; address: string; named_by: string; created_at: number },
): Promise<void> {
  const { agent_id, family, ...named } = row
  await db
    .insertInto('withdraw_addresses')
    .values(row)
    .onConflict((conflict) => conflict.columns(['agent_id', 'family']).doUpdateSet(named))
    .execute()
}
