import type { Provenance } from '../domain/provenance.ts'

/** What happens with runs that came due while the program did not run: one for all of them, or none. */
export type Missed = 'once' | 'skip'

/** Something to say to the agent at given moments. */
export type Schedule = {
  name: string
  /** A cron expression of five fields, or one moment in ISO 8601. */
  when: string
  /** IANA time zone. */
  zone: string
  /** What is said. */
  text: string
  missed: Missed
}

/** Where the answer goes: a session on a channel. */
export type ScheduleTarget = { id: string; channel: string; address: { chat: string; thread?: string } }

/** A schedule as it stands in the list. `next` is in unix milliseconds. */
export type ScheduleView = Schedule & {
  sessionId: string
  source: 'config' | 'owner'
  next: number | null
  /** Everybody else whose words may be in the text. */
  sources: readonly Provenance[]
}

export type ScheduleChange = { ok: true; next: number } | { ok: false; message: string }

/** The schedules, as tools see them. */
export type Schedules = {
  /** Adds one whose answers go to the session. Says in words what is wrong with it. */
  add: (schedule: Schedule, sessionId: string) => Promise<ScheduleChange>
  list: () => Promise<ScheduleView[]>
  remove: (name: string) => Promise<{ ok: true } | { ok: false; message: string }>
}

/** Schedules that exist at the same time. */
export const MAX_SCHEDULES = 100
