import { z } from 'zod'
import { workerLine } from '../workers/words.ts'
import type { Workers } from '../workers/worker.ts'
import { succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({})

/** `worker.status`: the workers of this session. Their tasks are not in it: these may be a stranger's words. */
export function createWorkerStatus(workers: Workers): Tool<typeof Input> {
  return defineTool({
    name: 'worker.status',
    description: 'List your workers.',
    input: Input,
    offeredAfter: 'worker.start',
    risk: 'read',
    repeatable: true,
    summary: () => 'list the workers',
    scope: () => 'worker.status',
    run: async (_input, { sessionId }) => {
      const all = await workers.list(sessionId)
      const lines = all.map((worker) => workerLine(worker, Date.now()))
      return succeeded(lines.length === 0 ? 'There are no workers.' : lines.join('\n'))
    },
  })
}
