import type { Logger } from '@openpista/common'
import type { Inbound } from '../channels/channel.ts'
import { contextMessages } from '../domain/compaction.ts'
import { untrustedSources } from '../domain/history.ts'
import type { Provenance } from '../domain/provenance.ts'
import { readContext } from '../store/conversation.ts'
import type { Store } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'
import { MAX_SCHEDULES, type Schedule, type Schedules, type ScheduleTarget, type ScheduleView } from './schedule.ts'
import { nextMoment } from './when.ts'

/** A schedule of the configuration, with the session that gets its answers. */
export type ConfiguredSchedule = Schedule & { target: ScheduleTarget }

export type SchedulerParts = {
  store: Store
  now: () => number
  configured: readonly ConfiguredSchedule[]
  logger: Logger
}

type Admit = (target: ScheduleTarget, inbound: Inbound) => Promise<unknown>

/** Says what is scheduled when its time has come. Nothing else in the program acts by itself. */
export type Scheduler = Schedules & {
  /** Reads the configuration's schedules, says what was missed, and goes on until `stop`. */
  start: (admit: Admit) => Promise<void>
  stop: () => Promise<void>
}

/** A clock that was set, or a machine that slept, is noticed after at most this long. */
const LOOK_AGAIN_MS = 30_000
/** A run that is later than this was missed. */
const LATE_MS = 5 * 60_000
/** Of a conversation, more than is ever kept without being summed up. */
const MAX_MESSAGES = 10_000

type Row = Tables['schedules']

export function createScheduler({ store, now, configured, logger }: SchedulerParts): Scheduler {
  let admit: Admit | undefined
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  /** One look at a time; a failure is logged and the next look tries again. */
  function look(): void {
    running = running.then(runDue).catch((error: unknown) => {
      logger.error({ err: error }, 'schedules cannot be run; trying again')
      plan(LOOK_AGAIN_MS)
    })
  }

  function plan(afterMs: number): void {
    clearTimeout(timer)
    if (admit !== undefined) timer = setTimeout(look, Math.max(0, Math.min(afterMs, LOOK_AGAIN_MS)))
  }

  async function runDue(): Promise<void> {
    if (admit === undefined) return
    const due = await store.db.selectFrom('schedules').selectAll().where('next_at', '<=', now()).execute()
    for (const row of due) await runOne(store, row, admit, now)
    const { first } = await store.db
      .selectFrom('schedules')
      .select(({ fn }) => fn.min('next_at').as('first'))
      .executeTakeFirstOrThrow()
    plan(first === null ? LOOK_AGAIN_MS : first - now())
  }

  return {
    start: async (found) => {
      await adopt(store, configured, now())
      admit = found
      look()
      await running
    },
    stop: async () => {
      admit = undefined
      clearTimeout(timer)
      await running
    },
    add: async (schedule, sessionId) => {
      const moment = readMoment(schedule, now())
      if (!moment.ok) return moment
      const target = await targetOf(store, sessionId)
      if (target === undefined) return { ok: false, message: 'This session is gone.' }
      const message = await insert(store, rowOf(schedule, target, await sourcesIn(store, sessionId)), moment.next)
      if (message !== undefined) return { ok: false, message }
      look()
      return moment
    },
    list: async () => {
      const rows = await store.db.selectFrom('schedules').selectAll().orderBy('name').execute()
      return rows.map(viewOf)
    },
    remove: async (name) => {
      const row = await store.db.selectFrom('schedules').select('source').where('name', '=', name).executeTakeFirst()
      if (row === undefined) return { ok: false, message: `There is no schedule '${name}'.` }
      if (row.source === 'config') return { ok: false, message: `'${name}' stands in config.toml; remove it there.` }
      await store.write((transaction) => transaction.deleteFrom('schedules').where('name', '=', name).execute())
      return { ok: true }
    },
  }
}

/**
 * Says it, then moves on. Killed in between, the next start says it again under the same id, and the inbox takes it
 * once.
 */
async function runOne(store: Store, row: Row, say: Admit, now: () => number): Promise<void> {
  const skipped = row.missed === 'skip' && now() - row.next_at! > LATE_MS
  const target = JSON.parse(row.target) as ScheduleTarget
  if (!skipped) await say(target, inboundOf(row, target))
  const next = nextMoment(row.at, row.zone, now()) ?? null
  await store.write(async (transaction) => {
    const gone = next === null && row.source === 'owner'
    const same = { name: row.name, next_at: row.next_at }
    await (gone
      ? transaction
          .deleteFrom('schedules')
          .where((it) => it.and(same))
          .execute()
      : transaction
          .updateTable('schedules')
          .set({ next_at: next })
          .where((it) => it.and(same))
          .execute())
  })
}

/** Answers in words why it cannot be added. */
async function insert(store: Store, row: Omit<Row, 'next_at'>, next_at: number): Promise<string | undefined> {
  return await store.write(async (transaction) => {
    const rows = await transaction.selectFrom('schedules').select('name').execute()
    if (rows.length >= MAX_SCHEDULES) return `There are ${MAX_SCHEDULES} schedules already; remove one first.`
    if (rows.some(({ name }) => name === row.name)) {
      return `There is a schedule '${row.name}' already; remove it first, or take another name.`
    }
    await transaction
      .insertInto('schedules')
      .values({ ...row, next_at })
      .execute()
    return undefined
  })
}

function readMoment(schedule: Schedule, now: number): { ok: true; next: number } | { ok: false; message: string } {
  try {
    const next = nextMoment(schedule.when, schedule.zone, now)
    return next === undefined ? { ok: false, message: `'${schedule.when}' is never again.` } : { ok: true, next }
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, message: error.message }
    throw error
  }
}

/** The configuration's schedules become rows; one that did not change keeps its next moment, so that none is missed. */
async function adopt(store: Store, configured: readonly ConfiguredSchedule[], now: number): Promise<void> {
  await store.write(async (transaction) => {
    const known = await transaction.selectFrom('schedules').selectAll().where('source', '=', 'config').execute()
    await transaction.deleteFrom('schedules').where('source', '=', 'config').execute()
    for (const schedule of configured) {
      const row = rowOf(schedule, schedule.target, CONFIGURED)
      const before = known.find(({ name }) => name === row.name)
      const same = before !== undefined && before.at === row.at && before.zone === row.zone
      const next_at = same ? before.next_at : (nextMoment(row.at, row.zone, now) ?? null)
      await transaction
        .insertInto('schedules')
        .values({ ...row, next_at })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ ...row, next_at }))
        .execute()
    }
  })
}

type Origin = Pick<Row, 'source' | 'sources'>

const CONFIGURED: Origin = { source: 'config', sources: '[]' }

/** What is made in a session may have been put into the agent's mind by whatever it read there. */
async function sourcesIn({ db }: Store, sessionId: string): Promise<Origin> {
  const context = await readContext(db, sessionId, MAX_MESSAGES)
  return { source: 'owner', sources: JSON.stringify(untrustedSources(contextMessages(context))) }
}

function rowOf(schedule: Schedule, target: ScheduleTarget, origin: Origin): Omit<Row, 'next_at'> {
  const { name, when, zone, text, missed } = schedule
  return { name, at: when, zone, text, missed, ...origin, target: JSON.stringify(target) }
}

function viewOf({ name, at, zone, text, missed, source, target, next_at, sources }: Row): ScheduleView {
  const { id: sessionId } = JSON.parse(target) as ScheduleTarget
  return { name, when: at, zone, text, missed, source, sessionId, next: next_at, sources: JSON.parse(sources) }
}

function inboundOf({ name, next_at, text, sources }: Row, { channel, address }: ScheduleTarget): Inbound {
  return {
    channel,
    ...address,
    user: 'schedule',
    id: `schedule:${name}:${next_at}`,
    text,
    owner: false,
    schedule: name,
    ...(sources === '[]' ? {} : { sources: JSON.parse(sources) as Provenance[] }),
  }
}

async function targetOf(store: Store, sessionId: string): Promise<ScheduleTarget | undefined> {
  const row = await store.db
    .selectFrom('sessions')
    .select(['channel', 'address'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  return row === undefined ? undefined : { id: sessionId, channel: row.channel, address: JSON.parse(row.address) }
}
