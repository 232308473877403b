import { posix } from 'node:path'
import { z } from 'zod'
import { commandScope, inFolder } from '../domain/command-scope.ts'
import { oneLine } from '../domain/one-line.ts'
import type { ContainerHost, ContainerImage } from '../executors/executor.ts'
import { failed } from './answer.ts'
import { commandAnswer, MAX_CHARS } from './command-answer.ts'
import { defineTool, type Tool, type ToolContext, type ToolResult } from './tool.ts'

const WORKSPACE = '/workspace'
/** What an image prints is the words of whoever made it. */
const FOREIGN = { kind: 'tool', tool: 'container.run' } as const

/** What a model may choose from, by name; the first is the default. */
export type ContainerToolConfig = ContainerHost & { images: readonly [ContainerImage, ...ContainerImage[]] }

/** `container.run`: a command in a fresh container of a configured image. */
export function createContainerRun(config: ContainerToolConfig): Tool<ReturnType<typeof inputOf>> {
  const [standard] = config.images
  return defineTool({
    name: 'container.run',
    description: 'Run a command in a fresh container; workspace at /workspace.',
    input: inputOf(config.images.map(({ name }) => name)),
    risk: 'exec',
    repeatable: false,
    summary: ({ image = standard.name, command }) => oneLine(`in ${image}: ${command}`),
    scope: ({ image = standard.name, command, working_dir }) =>
      `container.run ${image}${inFolder(working_dir)}: ${commandScope(command)}`,
    run: async (input, context) => {
      const image = config.images.find(({ name }) => name === input.image) ?? standard
      const cwd = posix.resolve(WORKSPACE, input.working_dir ?? '.')
      const { workspace } = image
      const mounts =
        workspace === 'none' ? [] : [{ source: context.workspace, target: WORKSPACE, readOnly: workspace === 'read' }]
      const spec = { offer: image, argv: ['sh', '-lc', input.command], cwd, mounts }
      const limits = { timeoutSeconds: input.timeout_secs, maxOutput: MAX_CHARS + 1, onOutput: context.emit }
      const outcome = await config.run(spec, limits, context.signal)
      if (outcome.ok) return commandAnswer(FOREIGN, input, outcome.result)
      if (outcome.missing && config.fallback) return await runBeside(input, context)
      return failed(oneLine(outcome.message), FOREIGN)
    },
  })
}

function inputOf(names: readonly string[]) {
  return z.strictObject({
    command: z
      .string()
      .max(20_000)
      .refine((text) => text.trim() !== '', 'command must not be empty'),
    image: z.enum(names).optional(),
    timeout_secs: z.number().int().min(1).max(300).default(30),
    working_dir: z.string().max(4096).optional(),
  })
}

type Input = z.output<ReturnType<typeof inputOf>>

/** Only where the owner configured it; the answer says that it was no container. */
async function runBeside(input: Input, context: ToolContext): Promise<ToolResult> {
  const request = { command: input.command, cwd: context.workspace, timeoutSeconds: input.timeout_secs }
  const output = { maxOutput: MAX_CHARS + 1, onOutput: context.emit }
  const result = await context.exec.run({ ...request, ...output }, context.signal)
  const answer = commandAnswer(FOREIGN, input, result)
  return { ...answer, output: `[no container engine: ran in ${context.exec.name} instead]\n${answer.output}` }
}
