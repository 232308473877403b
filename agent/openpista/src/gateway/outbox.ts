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
const BATCH = 50

export function createOutbox(parts: OutboxParts): Outbox {
  let working: Promise<void> | undefined
  let again = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function work(): Promise<void> {
    try {
      while (again && !stopped) {
        again = false
        const delivered = await deliverDue(parts)
        again ||= delivered > 0
      }
      if (!stopped) await sleepUntilNext()
    } catch (error) {
      parts.logger.error({ err: error }, 'the outbox stopped; it goes on with the next message')
    } finally {
      working = undefined
    }
  }

  async function sleepUntilNext(): Promise<void> {
    const next = await parts.store.db
      .selectFrom('outbox')
      .select('next_at')
      .where('state', '=', 'WAITING')
      .orderBy('next_at')
      .limit(1)
      .executeTakeFirst()
    clearTimeout(timer)
    if (next !== undefined) timer = setTimeout(wake, Math.max(10, next.next_at - parts.now()))
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

async function deliverDue(parts: OutboxParts): Promise<number> {
  const due = await parts.store.db
    .selectFrom('outbox')
    .selectAll()
    .where('state', '=', 'WAITING')
    .where('next_at', '<=', parts.now())
    .orderBy('created_at')
    .orderBy(sql`rowid`)
    .limit(BATCH)
    .execute()
  const bySession = Map.groupBy(due, ({ session_id }) => session_id)
  await Promise.all([...bySession.values()].map((rows) => deliverInOrder(parts, rows)))
  return due.length
}

/** A message that cannot be delivered now holds back those behind it. */
async function deliverInOrder(parts: OutboxParts, rows: Row[]): Promise<void> {
  for (const row of rows) {
    const delivery = await deliver(parts, row)
    await record(parts, row, delivery)
    if (delivery.kind === 'retry') return await holdBack(parts, row, delivery)
  }
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

async function holdBack(parts: OutboxParts, row: Row, delivery: Delivery & { kind: 'retry' }): Promise<void> {
  const next_at = parts.now() + delay(parts, row.attempts + 1, delivery.afterMs)
  await parts.store.write(async (transaction) => {
    await transaction
      .updateTable('outbox')
      .set((set) => ({ next_at: set.fn('max', ['next_at', set.val(next_at + 1)]) }))
      .where('session_id', '=', row.session_id)
      .where('state', '=', 'WAITING')
      .where('id', '<>', row.id)
      .execute()
  })
}

/** Doubles from half a second, with jitter; at least what the platform asked for. */
function delay({ random }: OutboxParts, attempts: number, afterMs = 0): number {
  const ceiling = Math.min(MAX_DELAY_MS, 500 * 2 ** Math.min(attempts - 1, 12))
  return Math.round(Math.max(afterMs, ceiling / 2 + (random() * ceiling) / 2))
}
