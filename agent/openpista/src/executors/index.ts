import { AppError } from '@openpista/common'
import { createBubblewrapExecutor, probeBubblewrap } from './bubblewrap.ts'
import type { Containers } from './containers.ts'
import { createDockerExecutor } from './docker.ts'
import type { Executor } from './executor.ts'
import { createHostExecutor } from './host.ts'
import type { Roots } from './roots.ts'

export type ExecutorConfig = {
  /** `auto`: bubblewrap where it works, else the host, where commands are worth a question each. */
  kind: 'auto' | 'host' | 'bubblewrap' | 'docker'
  network: boolean
  roots: Roots
  env: Readonly<Record<string, string | undefined>>
  containers: Containers
  /** For `docker`: which of the images. */
  container: string
}

/**
 * The executor that configuration asks for. A sandbox is started once to see that it works.
 *
 * @throws AppError `EXECUTOR_UNAVAILABLE` when a sandbox is asked for by name and does not start.
 */
export async function createExecutor(config: ExecutorConfig): Promise<Executor> {
  if (config.kind === 'host') return createHostExecutor(config.env)
  if (config.kind === 'docker') return await dockerExecutor(config)
  const probe = await probeBubblewrap(config)
  if (probe.works) return createBubblewrapExecutor(config)
  if (config.kind === 'auto') return createHostExecutor(config.env)
  throw new AppError('EXECUTOR_UNAVAILABLE', `The bubblewrap sandbox does not start: ${probe.why}`, {
    hint: 'Install it (Debian: apt-get install bubblewrap), or set the executor to "auto" or "host".',
  })
}

async function dockerExecutor({ containers, container, roots }: ExecutorConfig): Promise<Executor> {
  const { engine, images, owner } = containers
  const offer = images.find(({ name }) => name === container)
  if (offer === undefined) {
    throw new AppError('EXECUTOR_UNAVAILABLE', `No image in the configuration is named '${container}'.`, {
      hint: 'Let executor.container name one of containers.images.',
    })
  }
  const found = await engine.call('GET', `/images/${offer.image}/json`)
  if (found.ok) return createDockerExecutor({ engine, offer, roots, owner })
  throw new AppError('EXECUTOR_UNAVAILABLE', `Containers of ${offer.image} cannot be made: ${found.message}`, {
    hint: `Start the engine and load the image (docker pull ${offer.image}), or set the executor to "auto".`,
  })
}
