import type { TransactionStatus, TransactionView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Engine } from '../../engine/engine.ts'
import type { Tables } from '../../store/tables.ts'
import { openStatuses, statusIn } from '../../store/transactions.ts'

type PageQuery = {
  limit: number
  cursor?: string | undefined
  status?: TransactionStatus | undefined
  agentId?: string | undefined
  open?: 'true' | undefined
}

export type Transactions = {
  /**
   * Newest first; `cursor` is the id of the last one seen.
   *
   * @param reader the agent whose transactions may be read; `undefined` for the operator, who reads all.
   */
  page: (
    reader: string | undefined,
    query: PageQuery,
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
  const newestFirst = () => db.selectFrom('transactions').select('id').orderBy('id', 'desc')

  return {
    page: async (reader, { limit, cursor, status, agentId, open }) => {
      let query = newestFirst().limit(limit + 1)
      if (reader !== undefined) query = query.where('agent_id', '=', reader)
      if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
      if (cursor !== undefined) query = query.where('id', '<', cursor)
      if (status !== undefined) query = query.where('status', '=', status)
      if (open !== undefined) query = query.where(statusIn(openStatuses))
      const rows = await query.execute()
      const items = await views(rows.slice(0, limit))
      const hasMore = rows.length > limit
      return hasMore ? { items, cursor: rows[limit - 1]!.id, hasMore } : { items, hasMore }
    },
    pending: async (agentId) => {
      const waiting = newestFirst().where('agent_id', '=', agentId).where('status', 'in', ['PENDING', 'QUEUED'])
      return await views(await waiting.limit(MAX_PENDING).execute())
    },
  }
}
