import type { Workers } from '../workers/worker.ts'
import type { Tool } from './tool.ts'
import { createWorkerCancel } from './worker-cancel.ts'
import { createWorkerResult } from './worker-result.ts'
import { createWorkerStart } from './worker-start.ts'
import { createWorkerStatus } from './worker-status.ts'

/** The tools about workers. */
export function createWorkerTools(workers: Workers): readonly Tool[] {
  const tools = [
    createWorkerStart(workers),
    createWorkerStatus(workers),
    createWorkerResult(workers),
    createWorkerCancel(workers),
  ]
  // A tool's functions take its own parsed input; whoever calls them parses first.
  return tools as unknown as readonly Tool[]
}
