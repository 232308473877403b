import type { Clock, Logger, Timers } from '@openpista/common'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import { appendEvent } from '../store/events.ts'
import { readSetting, settingKeys, writeSetting } from '../store/settings.ts'
import type { Tables } from '../store/tables.ts'
import type { Write } from '../store/writer.ts'

/** Stamps of a wait: when it began, and when it was to be over. */
export type Wait = { since: number; until: number }

/**
 * A clock that never goes back and never stands still, and that knows where it jumped ahead. Its stamps follow the
 * wall clock; how long something took is told by measured time, so a jump neither shortens a wait nor empties a
 * window, and nothing that has expired is valid again.
 *
 * While the daemon is down nothing is measured: a jump then looks like time that really passed.
 */
export type SteadyClock = Clock & {
  /** The stamp that lies this many measured seconds before `at`, or before now. */
  ago: (seconds: number, at?: number) => number
  /** The stamp at which a wait is over, as far as jumps are known; a later jump moves it. */
  ends: (wait: Wait) => number
  /**
   * Writes what a restart has to know: jumps that are not stored, and the time, where the stored one is older than
   * `staleSeconds`.
   */
  keep: (write: Write, staleSeconds: number) => Promise<void>
}

/** `at`: the first stamp after a jump, `ahead`: seconds that were skipped before it. */
type Jump = z.infer<typeof Jump>
const Jump = z.object({ at: z.number().int(), ahead: z.number().int().positive() })
const Kept = z.object({ floor: z.number().int(), jumps: z.array(Jump) })

/** So far the wall clock may run ahead of measured time in all before that counts as a jump, seconds. */
const DRIFT_SECONDS = 5
/** The oldest jumps are joined beyond this number, which lengthens waits that began between them. */
const MOST_JUMPS = 64

/** The steady clock of a daemon over its database. */
export async function openSteadyClock(parts: {
  db: Kysely<Tables>
  clock: Clock
  timers: Pick<Timers, 'monotonic'>
  log: Pick<Logger, 'warn'>
}): Promise<SteadyClock> {
  const { db, clock, timers, log } = parts
  const kept = await readKept(db)
  if (kept.floor > clock.seconds() + 60) {
    const message = 'The clock of this machine is behind the time at which the daemon ran last. It goes on from there.'
    log.warn({ behindSeconds: kept.floor - clock.seconds() }, message)
  }
  const startedAt = timers.monotonic()
  const jumps = kept.jumps
  const unstored: Jump[] = []
  let stored = kept.floor
  let base = Math.max(clock.millis(), kept.floor * 1000)
  let lead = 0
  let last = base

  const millis = () => {
    const measured = base + timers.monotonic() - startedAt
    lead = Math.max(lead, clock.millis() - measured)
    last = Math.max(last, Math.floor(measured + lead))
    if (lead > DRIFT_SECONDS * 1000) {
      const ahead = Math.floor(lead / 1000)
      base += ahead * 1000
      lead -= ahead * 1000
      const jump = { at: Math.floor(last / 1000), ahead }
      addJump(jumps, jump)
      unstored.push(jump)
      log.warn(
        { aheadSeconds: ahead },
        'The clock of this machine jumped ahead. Waits and limits do not count the jump.',
      )
    }
    return last
  }
  const seconds = () => Math.floor(millis() / 1000)

  return {
    seconds,
    millis,
    ago: (length, at = seconds()) => before(jumps, at, length),
    ends: ({ since, until }) => until + jumps.reduce((sum, jump) => (jump.at > since ? sum + jump.ahead : sum), 0),
    keep: async (write, staleSeconds) => {
      const now = seconds()
      const news = [...unstored]
      if (news.length === 0 && now - stored <= staleSeconds) return
      await write(async (transaction) => {
        await writeSetting(transaction, settingKeys.clock, JSON.stringify({ floor: now, jumps }))
        for (const { ahead } of news) {
          await appendEvent(transaction, now, { type: 'CLOCK_JUMPED', actor: 'daemon', data: { aheadSeconds: ahead } })
        }
      })
      unstored.splice(0, news.length)
      stored = now
    },
  }
}

/** The stamp that lies so many measured seconds before another one. */
function before(jumps: readonly Jump[], at: number, seconds: number): number {
  let [stamp, left] = [at, seconds]
  for (const jump of jumps.toReversed()) {
    if (jump.at > at) continue
    const measured = stamp - jump.at
    if (left < measured) break
    left -= measured
    stamp = jump.at - jump.ahead
  }
  return stamp - left
}

function addJump(jumps: Jump[], jump: Jump): void {
  jumps.push(jump)
  const [first, second] = jumps
  if (jumps.length > MOST_JUMPS) jumps.splice(0, 2, { at: second!.at, ahead: first!.ahead + second!.ahead })
}

/** What is known from the last run: the highest stamp, and the jumps. */
async function readKept(db: Kysely<Tables>): Promise<z.infer<typeof Kept>> {
  const text = await readSetting(db, settingKeys.clock)
  const { floor, jumps } = text === undefined ? { floor: 0, jumps: [] } : Kept.parse(JSON.parse(text))
  const newest = await db.selectFrom('events').select('at').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return { floor: Math.max(floor, newest?.at ?? 0), jumps }
}
