import { AppError } from '@openpista/common'
import type { Settings } from '../config.ts'
import { stop } from './manage.ts'
import { type GatewayState, runningGateway } from './process-file.ts'

const HEALTH_MS = 5_000

/** `openpista web status`: 0 when the web client is served and answers. */
export async function webStatus(settings: Settings): Promise<number> {
  const { enabled, port } = settings.config.channels.web
  const running = await runningGateway(settings)
  const health = running === undefined || running.url === null ? undefined : await healthOf(running.url)
  const state = health === 'ok' ? 'running' : running === undefined ? 'stopped' : 'partial'
  console.log(`web client: ${state}`)
  console.log(`configuration: ${enabled ? 'enabled' : 'disabled'}, port ${port}`)
  console.log(`process: ${running === undefined ? 'none' : `${running.pid} (${startedWith(running)})`}`)
  console.log(`address: ${running?.url ?? 'none'}`)
  console.log(`health: ${health ?? 'not asked'}`)
  return state === 'running' ? 0 : 1
}

/**
 * `openpista web stop`.
 *
 * @throws AppError `NOT_WEB_ONLY` when the gateway serves more than the web client.
 */
export async function webStop(settings: Settings): Promise<number> {
  const running = await runningGateway(settings)
  if (running?.reach === 'all') {
    throw new AppError(
      'NOT_WEB_ONLY',
      `The gateway (process ${running.pid}) serves every channel, not the web alone.`,
      {
        hint: 'openpista stop ends all of it. Without the web client: openpista web setup --disable, then start it again.',
      },
    )
  }
  return await stop(settings)
}

function startedWith({ reach }: GatewayState): string {
  return reach === 'web' ? 'openpista web start' : 'openpista start'
}

/** `ok`, or what is wrong. */
async function healthOf(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_MS) })
    const body = (await response.json()) as { status?: string }
    return response.ok && body.status === 'ok' ? 'ok' : `HTTP ${response.status}`
  } catch (error) {
    return `no answer: ${(error as Error).message}`
  }
}
