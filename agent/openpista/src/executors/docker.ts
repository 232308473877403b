import { runContainer } from './container.ts'
import type { DockerEngine } from './docker-engine.ts'
import type { ContainerOffer, Executor, Mount } from './executor.ts'
import type { Roots } from './roots.ts'

export type DockerConfig = { engine: DockerEngine; offer: ContainerOffer; roots: Roots; owner: string }

/** As `docker run` says it: the engine, not the command, is at fault. */
const ENGINE_FAULT = 125

/**
 * Runs each command in a container of its own, which sees the workspace and the configured folders where they are
 * on the machine. The image needs bash.
 */
export function createDockerExecutor({ engine, offer, roots, owner }: DockerConfig): Executor {
  const mounts: Mount[] = [
    ...[roots.workspace, ...roots.writable].map((path) => ({ source: path, target: path, readOnly: false })),
    ...roots.readable.map((path) => ({ source: path, target: path, readOnly: true })),
  ]
  return {
    name: 'docker',
    run: async (request, signal) => {
      const spec = { offer, argv: ['bash', '-c', request.command], cwd: request.cwd, mounts, owner }
      const outcome = await runContainer(engine, spec, request, signal)
      if (outcome.ok) return outcome.result
      return { stdout: '', stderr: outcome.message, exitCode: ENGINE_FAULT, killed: null, truncated: false }
    },
  }
}
