import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Workers } from '../workers/worker.ts'
import { failed, succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({ worker: z.string().min(1).max(64).meta({ description: 'Id or name' }) })

/** `worker.cancel`: stops a worker of this session, and with it all that it started. */
export function createWorkerCancel(workers: Workers): Tool<typeof Input> {
  return defineTool({
    name: 'worker.cancel',
    description: 'Stop a worker.',
    input: Input,
    offeredAfter: 'worker.start',
    risk: 'read',
    repeatable: true,
    summary: ({ worker }) => oneLine(`stop ${worker}`),
    scope: () => 'worker.cancel',
    run: async ({ worker }, { sessionId }) => {
      const stopped = await workers.cancel(sessionId, worker)
      return stopped
        ? succeeded('Stopped.')
        : failed('No worker of that id or name runs for this session; see worker.status.')
    },
  })
}
