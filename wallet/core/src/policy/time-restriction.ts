import { z } from 'zod'
import { definePolicyType } from './policy-type.ts'

const Timezone = z.string().refine(isTimezone, { message: 'is not an IANA time zone such as Europe/Berlin' })

const Rules = z
  .strictObject({
    /** Full hours of the day, start inclusive, end exclusive; may pass over midnight (22 to 6). */
    allowed_hours: z
      .strictObject({ start: z.number().int().min(0).max(23), end: z.number().int().min(1).max(24) })
      .refine(({ start, end }) => start !== end, { message: 'start and end are the same hour' })
      .optional(),
    /** 0 is Sunday. */
    allowed_days: z.array(z.number().int().min(0).max(6)).min(1).optional(),
    timezone: Timezone.default('UTC'),
  })
  .refine((rules) => rules.allowed_hours !== undefined || rules.allowed_days !== undefined, {
    message: 'give allowed_hours, allowed_days or both',
  })

type Rules = z.output<typeof Rules>

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const hours = Array.from({ length: 24 }, (_, hour) => hour)

/** Denies everything outside certain hours and days of a time zone. */
export const timeRestriction = definePolicyType({
  type: 'TIME_RESTRICTION',
  description: 'Only at certain hours and days',
  rules: Rules,
  ask: () => [],
  judge: (rules, _subject, facts) => {
    const { day, hour, clock } = localTime(facts.now, rules.timezone)
    if (isAllowed(rules, day, hour)) return []
    const message = `It is ${weekdays[day]} ${clock} in ${rules.timezone}; ${allowedText(rules)}.`
    return [{ tier: 'DENY', code: 'POLICY_DENIED', message }]
  },
  asStrict: (rules, than) => {
    if (than === undefined) return true
    if (rules === undefined || rules.timezone !== than.timezone) return false
    return weekdays.every((_, day) => hours.every((hour) => !isAllowed(rules, day, hour) || isAllowed(than, day, hour)))
  },
})

function isAllowed(rules: Rules, day: number, hour: number): boolean {
  const dayAllowed = rules.allowed_days === undefined || rules.allowed_days.includes(day)
  return dayAllowed && hourAllowed(hour, rules.allowed_hours)
}

function allowedText({ allowed_days, allowed_hours }: Rules): string {
  const days = allowed_days === undefined ? '' : ` on ${allowed_days.map((day) => weekdays[day]).join(', ')}`
  const times = allowed_hours === undefined ? '' : ` from ${allowed_hours.start}:00 to ${allowed_hours.end}:00`
  return `payments are allowed only${days}${times}`
}

function hourAllowed(hour: number, allowed: { start: number; end: number } | undefined): boolean {
  if (allowed === undefined) return true
  const { start, end } = allowed
  return start < end ? hour >= start && hour < end : hour >= start || hour < end
}

function localTime(unixSeconds: number, timeZone: string): { day: number; hour: number; clock: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(unixSeconds * 1000).map(({ type, value }) => [type, value]))
  const hour = parts.get('hour')!
  return { day: weekdays.indexOf(parts.get('weekday')!), hour: Number(hour), clock: `${hour}:${parts.get('minute')}` }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
