import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Schedules } from '../schedules/schedule.ts'
import { succeeded } from './answer.ts'
import { momentWords } from './schedule-add.ts'
import { defineTool, type Tool } from './tool.ts'

const FOREIGN = { kind: 'tool', tool: 'schedule.list' } as const

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
      const found = await schedules.list()
      const lines = found.map(({ name, when, zone, next, sessionId, text }) => {
        const moment = next === null ? 'never again' : momentWords(next, zone)
        return oneLine(`${name}  ${when}  next: ${moment}  to ${sessionId}: ${text}`)
      })
      // What was written after a stranger's words may hold them.
      const isPlain = found.every(({ sources }) => sources.length === 0)
      return succeeded(lines.join('\n') || 'Nothing is scheduled.', isPlain ? { kind: 'system' } : FOREIGN)
    },
  })
}
