import { posix } from 'node:path'
import { z } from 'zod'
import { commandScope, inFolder } from '../domain/command-scope.ts'
import { oneLine } from '../domain/one-line.ts'
import type { TaskToken, TaskTokens } from '../domain/task.ts'
import type { ContainerHost, ContainerImage } from '../executors/executor.ts'
import { failed } from './answer.ts'
import { beginning, commandAnswer, MAX_OUTPUT } from './command-answer.ts'
import { defineTool, type Tool, type ToolContext, type ToolResult } from './tool.ts'

const WORKSPACE = '/workspace'
/** What an image prints is the words of whoever made it. */
const FOREIGN = { kind: 'tool', tool: 'container.run' } as const

/** What a model may choose from, by name; the first is the default. */
export type ContainerToolConfig = ContainerHost & {
  images: readonly [ContainerImage, ...ContainerImage[]]
  tasks: Pick<TaskTokens, 'issue'>
}

/** `container.run`: a command in a fresh container of a configured image. */
export function createContainerRun(config: ContainerToolConfig): Tool<ReturnType<typeof inputOf>> {
  const [standard] = config.images
  return defineTool({
    name: 'container.run',
    description: 'Run a command in a fresh container; workspace at /workspace.',
    input: inputOf(config.images),
    risk: 'exec',
    repeatable: false,
    summary: ({ image = standard.name, command }) => oneLine(`in ${image}: ${command}`),
    scope: ({ image = standard.name, command, working_dir, inject_task_token }) =>
      `container.run ${image}${inject_task_token ? ' with a task token' : ''}${inFolder(working_dir)}: ${commandScope(command)}`,
    run: async (input, context) => {
      const image = config.images.find(({ name }) => name === input.image) ?? standard
      const cwd = posix.resolve(WORKSPACE, input.working_dir ?? '.')
      const { workspace } = image
      const mounts =
        workspace === 'none' ? [] : [{ source: context.workspace, target: WORKSPACE, readOnly: workspace === 'read' }]
      if (input.inject_task_token && !image.taskToken) return failed(NO_TOKEN)
      const { sessionId, callId } = context
      const credential = input.inject_task_token
        ? config.tasks.issue({ sessionId, callId }, input.token_ttl_secs)
        : undefined
      const env = credential === undefined ? {} : tokenEnv(input.token_env_name, credential)
      const spec = { offer: image, argv: ['sh', '-lc', input.command], cwd, mounts, env }
      const output = { maxOutput: MAX_OUTPUT, onOutput: beginning(context.emit) }
      const limits = { timeoutSeconds: input.timeout_secs, ...output }
      const running = config.run(spec, limits, context.signal)
      const outcome = await running.finally(() => credential?.revoke())
      if (outcome.ok) return commandAnswer(FOREIGN, { ...input, callId }, outcome.result)
      if (outcome.missing && config.fallback && credential === undefined) return await runBeside(input, context)
      return failed(oneLine(outcome.message), FOREIGN)
    },
  })
}

const NO_TOKEN = 'This image gets no task token; the owner can set task_token = true for it.'

/** The one credential of a container. It is worth nothing once the container has ended. */
function tokenEnv(name: string, { token, expiresAt }: TaskToken): Record<string, string> {
  return { [name]: token, [`${name}_EXPIRES_AT`]: new Date(expiresAt).toISOString() }
}

function inputOf(images: readonly ContainerImage[]) {
  const input = z.strictObject({
    command: z
      .string()
      .max(20_000)
      .refine((text) => text.trim() !== '', 'command must not be empty'),
    image: z.enum(images.map(({ name }) => name)).optional(),
    timeout_secs: z.number().int().min(1).max(300).default(30),
    working_dir: z.string().max(4096).optional(),
    inject_task_token: z.boolean().default(false),
    token_ttl_secs: z.number().int().min(1).max(900).default(300),
    token_env_name: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a name of a variable')
      .default('openpista_TASK_TOKEN'),
  })
  // Where no image may have a token there is nothing to say about one.
  const omitted = { inject_task_token: true, token_ttl_secs: true, token_env_name: true } as const
  return images.some(({ taskToken }) => taskToken) ? input : (input.omit(omitted) as unknown as typeof input)
}

type Input = z.output<ReturnType<typeof inputOf>>

/** Only where the owner configured it; the answer says that it was no container. */
async function runBeside(input: Input, context: ToolContext): Promise<ToolResult> {
  const request = { command: input.command, cwd: context.workspace, timeoutSeconds: input.timeout_secs }
  const output = { maxOutput: MAX_OUTPUT, onOutput: beginning(context.emit) }
  const result = await context.exec.run({ ...request, ...output }, context.signal)
  const answer = commandAnswer(FOREIGN, { ...input, callId: context.callId }, result)
  return { ...answer, output: `[no container engine: ran in ${context.exec.name} instead]\n${answer.output}` }
}
