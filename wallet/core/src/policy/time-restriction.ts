import { z } from 'zod'
import { definePolicyType } from './policy-type.ts'

const Timezone = z.string().refine(isTimezone, { message: 'is no IANA time zone such as Europe/Berlin' })

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

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Denies everything outside certain hours and days of a time zone. */
export const timeRestriction = definePolicyType({
  type: 'TIME_RESTRICTION',
  description: 'Only at certain hours and days',
  rules: Rules,
  raises: true,
  ask: () => [],
  judge: (rules, _subject, facts) => {
    const { day, hour } = localTime(facts.now, rules.timezone)
    const dayAllowed = rules.allowed_days === undefined || rules.allowed_days.includes(day)
    if (dayAllowed && hourAllowed(hour, rules.allowed_hours)) return []
    const message = `It is ${weekdays[day]} ${hour}h in ${rules.timezone}; payments are not allowed at this time.`
    return [{ tier: 'DENY', code: 'POLICY_DENIED', message }]
  },
})

function hourAllowed(hour: number, allowed: { start: number; end: number } | undefined): boolean {
  if (allowed === undefined) return true
  const { start, end } = allowed
  return start < end ? hour >= start && hour < end : hour >= start || hour < end
}

function localTime(unixSeconds: number, timeZone: string): { day: number; hour: number } {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: 'numeric', hourCycle: 'h23' })
  const parts = new Map(format.formatToParts(unixSeconds * 1000).map(({ type, value }) => [type, value]))
  return { day: weekdays.indexOf(parts.get('weekday') ?? ''), hour: Number(parts.get('hour')) }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
