import { AppError } from '@openpista/common'
import { createBubblewrapExecutor, probeBubblewrap } from './bubblewrap.ts'
import type { Executor } from './executor.ts'
import { createHostExecutor } from './host.ts'
import type { Roots } from './roots.ts'

export type ExecutorConfig = {
  /** `auto`: bubblewrap where it works, else the host, where commands are worth a question each. */
  kind: 'auto' | 'host' | 'bubblewrap'
  network: boolean
  roots: Roots
  env: Readonly<Record<string, string | undefined>>
}

/**
 * The executor that configuration asks for. A sandbox is started once to see that it works.
 *
 * @throws AppError `EXECUTOR_UNAVAILABLE` when a sandbox is asked for by name and does not start.
 */
export async function createExecutor(config: ExecutorConfig): Promise<Executor> {
  if (config.kind === 'host') return createHostExecutor(config.env)
  const probe = await probeBubblewrap(config)
  if (probe.works) return createBubblewrapExecutor(config)
  if (config.kind === 'auto') return createHostExecutor(config.env)
  throw new AppError('EXECUTOR_UNAVAILABLE', `The bubblewrap sandbox does not start: ${probe.why}`, {
    hint: 'Install it (Debian: apt-get install bubblewrap), or set the executor to "auto" or "host".',
  })
}
