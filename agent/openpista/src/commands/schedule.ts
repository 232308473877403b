import { type Command, usageOf } from './command.ts'

/** `/schedule add backup "0 3 * * *" Copy my notes to the other disk` */
export const schedule: Command = {
  name: 'schedule',
  usage: ['/schedule', '/schedule add <name> "<when>" <text>', '/schedule remove <name>'],
  summary: 'list, add or remove what is done at given times',
  plan: (args) => {
    if (args === '') return { kind: 'call', tool: 'schedule.list', arguments: {} }
    const removed = /^remove\s+(\S+)$/.exec(args)
    if (removed !== null) return { kind: 'call', tool: 'schedule.remove', arguments: { name: removed[1] } }
    const added = /^add\s+(\S+)\s+(?:"([^"]+)"|(\d{4}-\S+))\s+([\s\S]+)$/.exec(args)
    if (added === null) return usageOf(schedule, 'The time stands in quotes: "0 9 * * 1-5", or "2027-01-31T09:00".')
    const [, name, cron, moment, text] = added
    return { kind: 'call', tool: 'schedule.add', arguments: { name, when: cron ?? moment, text } }
  },
}
