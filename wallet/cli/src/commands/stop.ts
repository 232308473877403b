import { existsSync, readFileSync } from 'node:fs'
import { dataPaths, takeProcessLock } from '@waiaas/daemon'
import { isRunning } from '../daemon-state.ts'
import { CliError } from '../fault.ts'

const STOP_MILLIS = 30_000

export async function stop(dataDir: string): Promise<void> {
  if (!(await isRunning(dataDir))) {
    console.log('The daemon is not running.')
    return
  }
  const { pidFile, signerLock } = dataPaths(dataDir)
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : Number.NaN
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new CliError(`${pidFile} does not tell the process to stop.`)
  process.kill(pid, 'SIGTERM')
  const lock = await takeProcessLock(signerLock, STOP_MILLIS)
  if (lock === undefined) {
    throw new CliError(`Process ${pid} does not stop.`, {
      hint: `End it with: kill -9 ${pid}. No payment is lost by that.`,
    })
  }
  lock.release()
  console.log('The daemon has stopped.')
}
