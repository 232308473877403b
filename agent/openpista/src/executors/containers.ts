import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { TaskTokens } from '../domain/task.ts'
import { runContainer } from './container.ts'
import { createDockerEngine, type DockerEngine } from './docker-engine.ts'
import type { ContainerHost } from './executor.ts'

const NAME = /^[a-z][a-z0-9-]{0,30}$/

/** The section `[containers]` of the configuration. Without images nothing runs in containers. */
export const ContainerConfig = z
  .strictObject({
    socket: z.string().default('/var/run/docker.sock').describe('socket of the container engine'),
    fallback: z.boolean().default(false).describe('without an engine, container.run runs where all commands run'),
    images: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(NAME, 'small letters, digits and -')
            .meta({ description: 'what a model calls it by', examples: ['python'] }),
          image: z
            .string()
            .min(1)
            .max(300)
            .meta({ description: 'image of the engine', examples: ['python:3.13-slim'] }),
          network: z.boolean().default(false).describe('whether it reaches the network'),
          workspace: z.enum(['none', 'read', 'write']).default('read').describe('none, read or write'),
          memory_mb: z.number().int().min(64).max(65_536).default(512).describe('memory in MB'),
          cpu_millis: z.number().int().min(100).max(64_000).default(1000).describe('thousandths of a processor'),
          pids: z.number().int().min(8).max(32_768).default(256).describe('processes at the same time'),
          task_token: z.boolean().default(false).describe('whether a call may have a task token; see docs/tools.md'),
        }),
      )
      .refine((images) => new Set(images.map(({ name }) => name)).size === images.length, 'two images of one name')
      .default([])
      .describe('What may run in containers; without one nothing does.'),
  })
  .describe('Containers for container.run and the docker executor.')

/** The engine, and what may run in it. */
export type Containers = ContainerHost & {
  engine: DockerEngine
  /** Marks what this agent starts. */
  owner: string
  tasks: TaskTokens
}

export function createContainers(
  config: z.output<typeof ContainerConfig>,
  home: string,
  tasks: TaskTokens,
): Containers {
  const images = config.images.map(
    ({ memory_mb: memoryMb, cpu_millis: cpuMillis, task_token: taskToken, ...image }) => {
      return { ...image, memoryMb, cpuMillis, taskToken }
    },
  )
  const owner = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const engine = createDockerEngine(config.socket)
  return {
    ...{ engine, images, fallback: config.fallback, owner, tasks },
    run: (program, request, signal) => runContainer(engine, { ...program, owner }, request, signal),
  }
}
