import { Cron } from 'croner'

/**
 * The first moment after `after` (both in unix milliseconds) that `when` names, or `undefined` when there is none.
 * `when` is a cron expression of five fields, or one moment in ISO 8601; without an offset it is meant in `zone`,
 * an IANA time zone. In a zone with summer time an hour that does not exist is passed over to the next moment that
 * does, and one that comes twice counts once.
 *
 * @throws RangeError with words for people when `when` or `zone` cannot be read
 */
export function nextMoment(when: string, zone: string, after: number): number | undefined {
  assertZone(zone)
  if (/^\d{4}-/.test(when)) {
    const moment = oneMoment(when, zone)
    return moment > after ? moment : undefined
  }
  try {
    return new Cron(when, { timezone: zone, mode: '5-part' }).nextRun(new Date(after))?.getTime()
  } catch {
    throw new RangeError(
      `'${when}' is neither a cron expression (minute hour day month weekday, as in "0 9 * * 1-5") nor a moment such as 2027-01-31T09:00.`,
    )
  }
}

function oneMoment(when: string, zone: string): number {
  const match = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(when)
  const moment = match === null ? undefined : match[3] === undefined ? inZone(when, zone) : Date.parse(when)
  if (moment === undefined || Number.isNaN(moment)) {
    throw new RangeError(
      `'${when}' is no moment. Write it as 2027-01-31T09:00, or with an offset: 2027-01-31T09:00+01:00.`,
    )
  }
  return moment
}

function inZone(when: string, zone: string): number | undefined {
  try {
    return new Cron(when.replace(' ', 'T'), { timezone: zone }).nextRun(new Date(0))?.getTime()
  } catch {
    return undefined
  }
}

function assertZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    throw new RangeError(`'${zone}' is no time zone. Use a name such as Europe/Berlin, Asia/Seoul or UTC.`)
  }
}

/** The time zone of this machine. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
