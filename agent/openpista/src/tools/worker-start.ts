import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Workers } from '../workers/worker.ts'
import { failed, succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({
  task: z
    .string()
    .max(20_000)
    .refine((text) => text.trim() !== '', 'task must not be empty'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,29}$/, 'lower-case letters, digits and dashes')
    .optional(),
  tools: z.array(z.string().max(64)).optional(),
  rounds: z.number().int().min(1).optional(),
  tokens: z.number().int().min(1).optional(),
  usd: z.number().min(0.01).optional(),
})

/** `worker.start`: a part of the work, done beside it by an agent of its own. What that one does is asked about as ever. */
export function createWorkerStart(workers: Workers): Tool<typeof Input> {
  return defineTool({
    name: 'worker.start',
    description: 'Have a sub-agent do a task that stands for itself.',
    input: Input,
    risk: 'exec',
    repeatable: true,
    summary: ({ name, task }) => oneLine(`${name ?? 'worker'}: ${task}`),
    scope: () => 'worker.start',
    run: async ({ name, task, tools, rounds, tokens, usd }, { sessionId, turnId, callId }) => {
      const budget = {
        ...(rounds === undefined ? {} : { rounds }),
        ...(tokens === undefined ? {} : { tokens }),
        ...(usd === undefined ? {} : { usd }),
      }
      const started = await workers.start({ name, task, tools, budget }, { sessionId, turnId, callId })
      if (!started.ok) return failed(started.message)
      const { worker } = started
      return succeeded(
        `Started worker ${worker.name} (${worker.id}). Its report comes into this conversation by itself; ` +
          'worker.result waits for it.',
      )
    },
  })
}
