import { ensurePrivateDir, limitHeapGrowth } from '@openpista/common'
import { assemble } from '../assemble.ts'
import type { Settings } from '../config.ts'
import { type LogChoice, openLog } from './log.ts'
import { claimHome, releaseHome, writeState } from './process-file.ts'

/** How long a running turn may take to end by itself, and how long the whole end may take. */
const TURN_GRACE_MS = 4_000
const END_MS = 9_000

/**
 * `openpista start`: the gateway in the foreground until it is told to stop. Answers the exit code.
 *
 * @param reach `web`: of the channels only the web client, also when it is switched off.
 */
export async function start(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: LogChoice,
  reach: 'all' | 'web' = 'all',
): Promise<number> {
  limitHeapGrowth()
  ensurePrivateDir(settings.home)
  await claimHome(settings)
  const stopping = stopSignal()
  try {
    const logger = openLog(log, settings.logs)
    const { agent, access, port, store } = await assemble({ settings, env, logger, reach })
    await agent.start()
    const listening = port()
    const url = listening === undefined ? null : `http://127.0.0.1:${listening}`
    writeState(settings, { pid: process.pid, url, reach })
    console.log(
      url === null
        ? `openpista is ready on ${settings.socket}`
        : `openpista is ready. Open this link; it works once: ${url}/auth?code=${access.newCode()}`,
    )
    await stopping
    const late = setTimeout(() => {
      logger.error('the end took too long; open turns go on at the next start')
      process.exit(1)
    }, END_MS)
    late.unref()
    await agent.stop(TURN_GRACE_MS)
    await store.close()
    return 0
  } finally {
    releaseHome(settings)
  }
}

/** Resolves when the program is told to stop, or the program that started it with a channel is gone. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (asked && signal === 'SIGINT') process.exit(130)
      asked = true
      resolve()
    })
  }
  process.once('disconnect', resolve)
  // A listener keeps the channel open, and an open channel would keep this process after its work is done.
  process.channel?.unref()
  return promise
}
