import { type Command, usageOf } from './command.ts'

/** `/worker`, `/worker cancel research` */
export const worker: Command = {
  name: 'worker',
  usage: ['/worker', '/worker cancel <id>'],
  summary: 'list the workers of this session, or stop one',
  missing: 'Workers are switched off (workers.at_once).',
  plan: (args) => {
    if (args === '') return { kind: 'call', tool: 'worker.status', arguments: {} }
    const [, id] = /^cancel\s+(\S+)$/.exec(args) ?? []
    return id === undefined
      ? usageOf(worker, 'A worker is stopped by its id or name.')
      : { kind: 'call', tool: 'worker.cancel', arguments: { worker: id } }
  },
}
