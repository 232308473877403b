import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { reportLine, workerLine } from '../workers/words.ts'
import type { Workers } from '../workers/worker.ts'
import { failed, succeeded } from './answer.ts'
import { partOf } from './part.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'

const CHARS = 8000

const Input = z.strictObject({
  worker: z.string().min(1).max(64).meta({ description: 'Id or name' }),
  wait_secs: z.number().int().min(0).max(600).default(0),
  offset: z.number().int().min(0).default(0),
})

/** `worker.result`: the report of a worker, or how far it is. Its words are those of everybody whom the worker read. */
export function createWorkerResult(workers: Workers): Tool<typeof Input> {
  return defineTool({
    name: 'worker.result',
    description: "Read a worker's report, waiting for its end.",
    input: Input,
    offeredAfter: 'worker.start',
    risk: 'read',
    repeatable: true,
    summary: ({ worker }) => oneLine(`result of ${worker}`),
    scope: () => 'worker.result',
    run: async ({ worker, wait_secs, offset }, { sessionId, signal }): Promise<ToolResult> => {
      const found = await workers.result(sessionId, worker, wait_secs * 1000, signal)
      if (found === undefined) return failed('This session has no worker of that id or name; see worker.status.')
      if (!('text' in found)) return succeeded(workerLine(found, Date.now()))
      const [provenance, ...alsoFrom] = found.sources
      const text = `${reportLine(found)}\n${partOf(found.text, { offset, limit: CHARS })}`
      return { ...succeeded(text, provenance), alsoFrom, isError: found.state !== 'done' }
    },
  })
}
