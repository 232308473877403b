import { z } from 'zod'

/** The section `[workers]` of the configuration. */
export const WorkerSection = z
  .strictObject({
    at_once: z.number().int().min(0).max(20).default(3).describe('workers of one session at the same time; 0: none'),
    depth: z.number().int().min(1).max(3).default(1).describe('1: a worker starts no workers of its own'),
  })
  .describe('Sub-agents that the agent starts for parts of its work; see docs/workers.md.')
