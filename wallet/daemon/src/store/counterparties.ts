import { looksAlike } from '@waiaas/core'
import type { Kysely } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** Whether the agent has paid this address, and which paid addresses look like it. */
export async function findCounterparty(
  db: Kysely<Tables>,
  agentId: string,
  address: string,
): Promise<{ known: boolean; lookAlikes: string[] }> {
  const rows = await similarTo(db, { agentId, shape: shapeOf(address) })
  const similar = rows.map((row) => row.address)
  return { known: similar.includes(address), lookAlikes: similar.filter((other) => looksAlike(address, other)) }
}

export async function addCounterparty(db: Kysely<Tables>, agentId: string, address: string, at: number): Promise<void> {
  await insertNew(db, { agent_id: agentId, address, shape: shapeOf(address), first_paid_at: at })
}

const similarTo = statement((db, { agentId, shape }: { agentId: string; shape: string }) =>
  db.selectFrom('counterparties').select('address').where('agent_id', '=', agentId).where('shape', '=', shape),
)
const insertNew = statement((db, row: Tables['counterparties']) =>
  db
    .insertInto('counterparties')
    .values(row)
    .onConflict((conflict) => conflict.doNothing()),
)

/** Equal for all addresses that `looksAlike` may call alike; it decides. */
function shapeOf(address: string): string {
  const bare = address.replace(/^0x/i, '').toLowerCase()
  return `${bare.slice(0, 4)}…${bare.slice(-4)}`
}
