import { AppError, ensurePrivateDir } from '@openpista/common'
import type { Settings } from '../config.ts'
import { type LogChoice, openLog } from './log.ts'
import { claimHome, releaseHome, runningGateway } from './process-file.ts'

/** A gateway to talk to: the one that runs, else one inside this process for as long as it is needed. */
export type LocalGateway = { stop: () => Promise<void> }

export async function useGateway(settings: Settings, env: NodeJS.ProcessEnv, log: LogChoice): Promise<LocalGateway> {
  const running = await runningGateway(settings)
  if (running?.hasSocket === true) return { stop: async () => {} }
  if (running !== undefined) {
    throw new AppError('SOCKET_OFF', `The gateway (process ${running.pid}) runs without its socket.`, {
      hint: 'Use the web client, or set channels.cli.enabled to true and start the gateway again.',
    })
  }
  const { assemble } = await import('../assemble.ts')
  ensurePrivateDir(settings.home)
  await claimHome(settings)
  const { agent, store } = await assemble({
    settings,
    env,
    logger: openLog(log, settings.logs),
    reach: 'local',
  })
  await agent.start()
  return {
    stop: async () => {
      await agent.stop(0)
      await store.close()
      releaseHome(settings)
    },
  }
}
