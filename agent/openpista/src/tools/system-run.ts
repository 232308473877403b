import { resolve } from 'node:path'
import { z } from 'zod'
import { commandScope, inFolder, printsOnlyFacts } from '../domain/command-scope.ts'
import { oneLine } from '../domain/one-line.ts'
import { isInside, type Roots } from '../executors/roots.ts'
import { failed } from './answer.ts'
import { beginning, commandAnswer, MAX_OUTPUT } from './command-answer.ts'
import { defineTool, type Tool } from './tool.ts'

const DEFAULT_SECONDS = 30
const MAX_SECONDS = 300
const FOREIGN = { kind: 'tool', tool: 'system.run' } as const

const Input = z.strictObject({
  command: z
    .string()
    .max(20_000)
    .refine((text) => text.trim() !== '', 'command must not be empty')
    .meta({ description: 'For bash -c' }),
  timeout_secs: z.number().int().min(1).max(MAX_SECONDS).default(DEFAULT_SECONDS),
  working_dir: z.string().max(4096).optional().meta({ description: 'Default: the workspace' }),
})

/** `system.run`: a command in the session's executor. A non-zero exit is an answer, not an error. */
export function createSystemRun(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'system.run',
    description: 'Run a shell command. It has no input; its background processes end with it. Long output is cut.',
    input: Input,
    risk: 'exec',
    repeatable: false,
    summary: ({ command }) => oneLine(command),
    scope: ({ command, working_dir }) => `system.run${inFolder(working_dir)}: ${commandScope(command)}`,
    run: async (input, context) => {
      const cwd = resolve(context.workspace, input.working_dir ?? '.')
      const allowed = [roots.workspace, ...roots.writable, ...roots.readable]
      if (!allowed.some((folder) => isInside(folder, cwd))) {
        return failed(`Commands start in the workspace or a configured folder; ${cwd} is neither.`)
      }
      const request = {
        command: input.command,
        cwd,
        timeoutSeconds: input.timeout_secs,
        maxOutput: MAX_OUTPUT,
        onOutput: beginning(context.emit),
      }
      // In a folder that it names, `pwd` may tell where a link leads.
      const isFact = input.working_dir === undefined && printsOnlyFacts(input.command)
      const provenance = isFact ? ({ kind: 'system' } as const) : FOREIGN
      const result = await context.exec.run(request, context.signal)
      return commandAnswer(provenance, { ...input, callId: context.callId }, result)
    },
  })
}
