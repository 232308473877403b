import type { Kysely } from 'kysely'
import { appendEvent } from './events.ts'
import type { Tables } from './tables.ts'

/** ACTIVE -> SUSPENDED, with its event. False where it was not active. */
export async function suspendAgent(
  db: Kysely<Tables>,
  now: number,
  id: string,
  by: { actor: string; why: string },
): Promise<boolean> {
  const changed = await db
    .updateTable('agents')
    .set({ status: 'SUSPENDED', updated_at: now })
    .where('id', '=', id)
    .where('status', '=', 'ACTIVE')
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) return false
  await appendEvent(db, now, { type: 'AGENT_SUSPENDED', actor: by.actor, agentId: id, data: { why: by.why } })
  return true
}
