import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Schedules } from '../schedules/schedule.ts'
import { failed, succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({ name: z.string().min(1).max(60) })

/** `schedule.remove`: ends a schedule. */
export function createScheduleRemove(schedules: Schedules): Tool<typeof Input> {
  return defineTool({
    name: 'schedule.remove',
    description: 'Remove a schedule.',
    input: Input,
    risk: 'write',
    repeatable: false,
    summary: ({ name }) => oneLine(`remove the schedule ${name}`),
    scope: () => 'schedule.remove',
    run: async ({ name }) => {
      const removed = await schedules.remove(name)
      return removed.ok ? succeeded(`Removed '${name}'.`) : failed(removed.message)
    },
  })
}
