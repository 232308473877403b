import type { Policy } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Every enabled policy row that may concern the agent. Rules that are no JSON come as `undefined` and deny. */
export async function policiesOf(db: Kysely<Tables>, agentId: string): Promise<Policy[]> {
  const rows = await db
    .selectFrom('policies')
    .selectAll()
    .where('enabled', '=', 1)
    .where((where) => where.or([where('agent_id', 'is', null), where('agent_id', '=', agentId)]))
    .execute()
  return rows.map((row) => ({
    id: row.id,
    agentId: row.agent_id,
    network: row.network,
    type: row.type,
    rules: parse(row.rules),
    priority: row.priority,
    enabled: true,
  }))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
