import type { EventView } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { Tables } from '../../store/tables.ts'

export type EventFeed = {
  /**
   * Everything of `agentId` (of all agents when undefined) after `after`, then what comes, until the signal
   * aborts. Without `after` only what comes.
   */
  follow: (
    options: { agentId: string | undefined; after: number | undefined },
    signal: AbortSignal,
  ) => AsyncIterable<{ id: number; value: EventView }>
  close: () => void
}

const POLL_MILLIS = 100
const BATCH = 200

/**
 * The event log as a stream. The log is a table that anyone in this process, and the command line, may
 * append to, so the feed asks it for its last number; one timer for all followers, none without.
 */
export function createEventFeed(db: Kysely<Tables>): EventFeed {
  const waiting = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  const closed = new AbortController()

  const wake = () => {
    clearTimeout(timer)
    timer = undefined
    const all = [...waiting]
    waiting.clear()
    for (const resume of all) resume()
  }
  const tick = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      const done = () => {
        signal.removeEventListener('abort', done)
        waiting.delete(done)
        resolve()
      }
      signal.addEventListener('abort', done)
      waiting.add(done)
      timer ??= setTimeout(wake, POLL_MILLIS)
    })

  return {
    follow: async function* ({ agentId, after }, caller) {
      const signal = AbortSignal.any([caller, closed.signal])
      let last = after ?? (await lastSeq(db))
      while (!signal.aborted) {
        const rows = await readAfter(db, last, agentId)
        for (const row of rows) {
          yield { id: row.seq, value: eventView(row) }
          last = row.seq
        }
        if (rows.length < BATCH) await tick(signal)
      }
    },
    close: () => {
      closed.abort()
      wake()
    },
  }
}

async function lastSeq(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('events').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row?.seq ?? 0
}

async function readAfter(db: Kysely<Tables>, after: number, agentId: string | undefined) {
  const query = db.selectFrom('events').selectAll().where('seq', '>', after).orderBy('seq').limit(BATCH)
  return await (agentId === undefined ? query : query.where('agent_id', '=', agentId)).execute()
}

function eventView(row: Selectable<Tables['events']>): EventView {
  return {
    seq: row.seq,
    type: row.type,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.transaction_id === null ? {} : { transactionId: row.transaction_id }),
    data: JSON.parse(row.data),
    at: row.at,
  }
}
