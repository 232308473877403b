import { looksAlike } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Whether the agent has paid this address, and which paid addresses look like it. */
export async function findCounterparty(
  db: Kysely<Tables>,
  agentId: string,
  address: string,
): Promise<{ known: boolean; lookAlikes: string[] }> {
  const rows = await db
    .selectFrom('counterparties')
    .select('address')
    .where('agent_id', '=', agentId)
    .where('shape', '=', shapeOf(address))
    .execute()
  const similar = rows.map((row) => row.address)
  return { known: similar.includes(address), lookAlikes: similar.filter((other) => looksAlike(address, other)) }
}

export async function addCounterparty(db: Kysely<Tables>, agentId: string, address: string, at: number): Promise<void> {
  await db
    .insertInto('counterparties')
    .values({ agent_id: agentId, address, shape: shapeOf(address), first_paid_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Equal for all addresses that `looksAlike` may call alike; it decides. */
function shapeOf(address: string): string {
  const bare = address.replace(/^0x/i, '').toLowerCase()
  return `${bare.slice(0, 4)}…${bare.slice(-4)}`
}
