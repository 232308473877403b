import type { Logger } from '@openpista/common'
import { sql } from 'kysely'
import type { Channel, Delivery, Outbound } from '../channels/channel.ts'
import type { Store } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'

/** Delivers what waits in the outbox, in order for each session, until delivered or failed for good. */
export type Outbox = {
  /** Something may be due now. */
  wake: () => void
  stop: () => Promise<void>
}

export type OutboxParts = {
  store: Store
  channels: () => ReadonlyMap<string, Channel>
  now: () => number
  random: () => number
  logger: Logger
}

/** About half a day of attempts. */
const MAX_ATTEMPTS = 60
const MAX_DELAY_MS = 15 * 60_000
const FAULT_PAUSE_MS = 5_000
const BATCH = 50
const SESSIONS_AT_ONCE = 50

export function createOutbox(parts: OutboxParts): Outbox {
  let working: Promise<void> | undefined
  let again = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function work(): Promise<void> {
    try {
      // What is put in while this looks for the next time to wake sets `again`, and is seen here.
      while (again && !stopped) {
        again = false
        if ((await deliverDue(parts)) > 0) again = true
        else await sleepUntilNext()
      }
    } catch (error) {
      parts.logger.error({ err: error }, 'the outbox is tried again in a while')
      clearTimeout(timer)
      if (!stopped) timer = setTimeout(wake, FAULT_PAUSE_MS)
    } finally {
      working = undefined
    }
  }

  async function sleepUntilNext(): Promise<void> {
    const [next] = await heads(parts.store)
    clearTimeout(timer)
    if (next !== undefined && !stopped) timer = setTimeout(wake, Math.max(10, next.next_at - parts.now()))
  }

  function wake(): void {
    again = true
    if (!stopped) working ??= work()
  }

  return {
    wake,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}

type Row = Tables['outbox']

/** The oldest waiting row of every session, the one that is due first in front: it goes before all others there. */
async function heads({ db }: Store): Promise<Pick<Row, 'session_id' | 'next_at'>[]> {
  return await db
    .selectFrom('outbox')
    .select(['session_id', 'next_at'])
    .where(sql`rowid`, 'in', sql`(SELECT min(rowid) FROM outbox WHERE state = 'WAITING' GROUP BY session_id)`)
    .orderBy('next_at')
    .execute()
}

async function deliverDue(parts: OutboxParts): Promise<number> {
  const now = parts.now()
  const due = (await heads(parts.store)).filter(({ next_at }) => next_at <= now).slice(0, SESSIONS_AT_ONCE)
  const counts = await Promise.all(due.map(({ session_id }) => deliverInOrder(parts, session_id)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** A message that cannot be delivered now holds back those behind it. Answers how many were tried. */
async function deliverInOrder(parts: OutboxParts, sessionId: string): Promise<number> {
  const rows = await parts.store.db
    .selectFrom('outbox')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('state', '=', 'WAITING')
    .orderBy(sql`rowid`)
    .limit(BATCH)
    .execute()
  for (const [index, row] of rows.entries()) {
    const delivery = await deliver(parts, row)
    await record(parts, row, delivery)
    if (delivery.kind === 'retry') return index + 1
  }
  return rows.length
}

async function deliver({ channels }: OutboxParts, row: Row): Promise<Delivery> {
  const channel = channels().get(row.channel)
  if (channel === undefined) return { kind: 'failed', message: `The channel ${row.channel} is not enabled.` }
  try {
    return await channel.deliver(JSON.parse(row.body) as Outbound)
  } catch (error) {
    return { kind: 'retry', message: error instanceof Error ? error.message : String(error) }
  }
}

async function record(parts: OutboxParts, row: Row, delivery: Delivery): Promise<void> {
  const attempts = row.attempts + 1
  const given = delivery.kind === 'retry' && attempts >= MAX_ATTEMPTS ? 'FAILED' : STATES[delivery.kind]
  await parts.store.write(async (transaction) => {
    await transaction
      .updateTable('outbox')
      .set({
        state: given,
        attempts,
        next_at: delivery.kind === 'retry' ? parts.now() + delay(parts, attempts, delivery.afterMs) : row.next_at,
        platform_id: delivery.kind === 'delivered' ? (delivery.platformId ?? null) : null,
        error: delivery.kind === 'delivered' ? null : delivery.message,
      })
      .where('id', '=', row.id)
      .execute()
  })
  if (given === 'FAILED') parts.logger.warn({ outbox: row.id, delivery }, 'a message could not be delivered')
}

const STATES = { delivered: 'DELIVERED', retry: 'WAITING', failed: 'FAILED' } as const

/** Doubles from half a second, with jitter; at least what the platform asked for. */
function delay({ random }: OutboxParts, attempts: number, afterMs = 0): number {
  const ceiling = Math.min(MAX_DELAY_MS, 500 * 2 ** Math.min(attempts - 1, 12))
  return Math.round(Math.max(afterMs, ceiling / 2 + (random() * ceiling) / 2))
}
