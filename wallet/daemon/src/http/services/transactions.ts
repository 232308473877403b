import type { TransactionStatus, TransactionView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Engine } from '../../engine/engine.ts'
import type { Tables } from '../../store/tables.ts'

export type Transactions = {
  /** Newest first; `cursor` is the id of the last one seen. */
  page: (
    agentId: string,
    query: { limit: number; cursor?: string | undefined; status?: TransactionStatus | undefined },
  ) => Promise<{ items: TransactionView[]; cursor?: string; hasMore: boolean }>
  /** PENDING and QUEUED, newest first. */
  pending: (agentId: string) => Promise<TransactionView[]>
}

const MAX_PENDING = 100

export function createTransactions(parts: { db: Kysely<Tables>; engine: Pick<Engine, 'view'> }): Transactions {
  const { db, engine } = parts
  const views = async (rows: readonly { id: string }[]) => {
    const found = await Promise.all(rows.map(({ id }) => engine.view(id)))
    return found.filter((view) => view !== undefined)
  }
  const newestFirst = (agentId: string) =>
    db.selectFrom('transactions').select('id').where('agent_id', '=', agentId).orderBy('id', 'desc')

  return {
    page: async (agentId, { limit, cursor, status }) => {
      let query = newestFirst(agentId).limit(limit + 1)
      if (cursor !== undefined) query = query.where('id', '<', cursor)
      if (status !== undefined) query = query.where('status', '=', status)
      const rows = await query.execute()
      const items = await views(rows.slice(0, limit))
      const hasMore = rows.length > limit
      return hasMore ? { items, cursor: rows[limit - 1]!.id, hasMore } : { items, hasMore }
    },
    pending: async (agentId) => {
      const waiting = newestFirst(agentId).where('status', 'in', ['PENDING', 'QUEUED']).limit(MAX_PENDING)
      return await views(await waiting.execute())
    },
  }
}
