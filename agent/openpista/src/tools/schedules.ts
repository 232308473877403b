import type { Schedules } from '../schedules/schedule.ts'
import { createScheduleAdd } from './schedule-add.ts'
import { createScheduleList } from './schedule-list.ts'
import { createScheduleRemove } from './schedule-remove.ts'
import type { Tool } from './tool.ts'

/** The tools about schedules. */
export function createScheduleTools(schedules: Schedules): readonly Tool[] {
  const tools = [createScheduleAdd(schedules), createScheduleList(schedules), createScheduleRemove(schedules)]
  // A tool's functions take its own parsed input; whoever calls them parses first.
  return tools as unknown as readonly Tool[]
}
