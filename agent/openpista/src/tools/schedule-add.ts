import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Schedules } from '../schedules/schedule.ts'
import { localZone } from '../schedules/when.ts'
import { failed, succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'),
  when: z.string().min(1).max(100).meta({ description: 'Cron (5 fields) or 2027-01-31T09:00' }),
  text: z.string().min(1).max(8000),
  zone: z.string().min(1).max(60).optional(),
})

/** `schedule.add`: says something to this session later, or again and again. Its risk is that of what may then run. */
export function createScheduleAdd(schedules: Schedules): Tool<typeof Input> {
  return defineTool({
    name: 'schedule.add',
    description: 'Have a text said to you later, once or again and again.',
    input: Input,
    inWorkers: false,
    risk: 'exec',
    repeatable: false,
    summary: ({ when, text }) => oneLine(`at ${when}: ${text}`),
    scope: ({ name, when, text }) => `schedule.add ${name} ${when} ${text}`,
    run: async ({ zone = localZone(), ...rest }, { sessionId }) => {
      const added = await schedules.add({ ...rest, zone, missed: 'once' }, sessionId)
      if (!added.ok) return failed(added.message)
      return succeeded(`Scheduled '${rest.name}'. Next: ${momentWords(added.next, zone)}.`)
    },
  })
}

/** A moment where the schedule is. */
export function momentWords(moment: number, zone: string): string {
  const words = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  return `${words.format(moment)} ${zone}`
}
