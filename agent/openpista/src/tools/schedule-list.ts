import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Schedules } from '../schedules/schedule.ts'
import { succeeded } from './answer.ts'
import { momentWords } from './schedule-add.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({})

/** `schedule.list`: every schedule, and when it is next. */
export function createScheduleList(schedules: Schedules): Tool<typeof Input> {
  return defineTool({
    name: 'schedule.list',
    description: 'List the schedules.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: () => 'list the schedules',
    scope: () => 'schedule.list',
    run: async () => {
      const lines = (await schedules.list()).map(({ name, when, zone, next, sessionId, text }) => {
        const moment = next === null ? 'never again' : momentWords(next, zone)
        return oneLine(`${name}  ${when}  next: ${moment}  to ${sessionId}: ${text}`)
      })
      return succeeded(lines.join('\n') || 'Nothing is scheduled.')
    },
  })
}
