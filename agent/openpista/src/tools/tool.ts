import type { z } from 'zod'
import type { ImagePart } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { Executor } from '../executors/executor.ts'

/** `read` looks, `write` changes files, `exec` runs programs, `spend` moves money, `send` speaks to others. */
export type Risk = 'read' | 'write' | 'exec' | 'spend' | 'send'

export type ToolContext = {
  sessionId: string
  turnId: string
  callId: string
  /** Absolute path of the session's working folder. */
  workspace: string
  exec: Executor
  signal: AbortSignal
  /** Output while it runs, for people who watch. */
  emit: (text: string) => void
}

export type ToolResult = {
  output: string
  /** What people see in place of `output`, where that holds words that are for the model alone. */
  shown?: string
  isError: boolean
  /** Whose words `output` is made of. */
  provenance: Provenance
  /** Everybody else whose words are in it. */
  alsoFrom?: readonly Provenance[]
  images?: ImagePart[]
  /** Everything, where `output` is a part of it; it is kept beside the conversation. */
  whole?: string
}

/** One tool: one file, one line in `tools/index.ts`. `run` answers errors as results; it throws only for a bug. */
export type Tool<Input extends z.ZodType = z.ZodType> = {
  name: string
  description: string
  input: Input
  /** Offered to a model only after one of these tools was called in the conversation; absent: always. */
  offeredAfter?: string | readonly string[]
  /** False: no worker has it, for what it does outlives the worker. */
  inWorkers?: false
  risk: Risk
  /** True when the same call may run again after a crash: it changes nothing, or keeps an idempotency key of its own. */
  repeatable: boolean
  /** One line for cards and logs, from the real arguments. */
  summary: (input: z.output<Input>) => string
  /** What "allow for session" remembers: calls with the same scope are not asked again. */
  scope: (input: z.output<Input>) => string
  run: (input: z.output<Input>, context: ToolContext) => Promise<ToolResult>
}

/** Ties a tool's input type to its functions. */
export function defineTool<Input extends z.ZodType>(tool: Tool<Input>): Tool<Input> {
  return tool
}
