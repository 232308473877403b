import { existsSync, readFileSync } from 'node:fs'
import { AppError } from '@openpista/common'
import type { Settings } from '../config.ts'
import { connectGateway } from './gateway-client.ts'
import { isAlive, runningGateway } from './process-file.ts'

const STOP_MS = 10_000

/** `openpista status`: 0 when a gateway runs. */
export async function status(settings: Settings): Promise<number> {
  const running = await runningGateway(settings)
  if (running === undefined) {
    console.log(`stopped (home: ${settings.home})`)
    return 1
  }
  console.log(`running (process ${running.pid})`)
  console.log(`web: ${running.url ?? 'off'}`)
  console.log(`socket: ${running.hasSocket ? settings.socket : 'off'}`)
  if (running.hasSocket) console.log(`model: ${await modelOf(settings)}`)
  return 0
}

async function modelOf({ socket }: Settings): Promise<string> {
  const client = await connectGateway(socket, 'status')
  const welcome = await client.next()
  client.close()
  return welcome?.type === 'welcome' ? (welcome.model ?? 'none') : 'unknown'
}

/** `openpista stop`: asks the gateway to end and waits for it. */
export async function stop(settings: Settings): Promise<number> {
  const running = await runningGateway(settings)
  if (running === undefined) {
    console.log('openpista does not run.')
    return 0
  }
  process.kill(running.pid, 'SIGTERM')
  const until = Date.now() + STOP_MS
  while (isAlive(running.pid) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  if (isAlive(running.pid)) {
    throw new AppError('STOP_FAILED', `Process ${running.pid} does not end.`, {
      hint: `Kill it: kill -9 ${running.pid}`,
    })
  }
  console.log('Stopped.')
  return 0
}

/** `openpista link`: a new one-time link to the web client. */
export async function link(settings: Settings): Promise<number> {
  const running = await runningGateway(settings)
  if (running === undefined || running.url === null) {
    throw new AppError('NOT_RUNNING', 'No gateway with a web client runs.', { hint: 'Start it with: openpista start' })
  }
  const { token: configured } = settings.config.channels.web
  const token = configured || readFileSync(settings.tokenFile, 'utf8').trim()
  const response = await fetch(`${running.url}/api/link`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  const { path } = (await response.json()) as { path?: string }
  if (path === undefined) throw new AppError('LINK_REFUSED', `The gateway gave no link (HTTP ${response.status}).`)
  console.log(`${running.url}${path}`)
  return 0
}

/** `openpista audit verify`: walks the audit chain. */
export async function verifyAudit(settings: Settings): Promise<number> {
  if (!existsSync(settings.database)) {
    throw new AppError('DATABASE_NOT_FOUND', `There is no database at ${settings.database}.`)
  }
  const { openStore } = await import('../store/store.ts')
  const audit = await import('../store/audit.ts')
  const store = await openStore(settings.database)
  const result = await audit.verifyAudit(store.db)
  await store.close()
  if (result.ok) console.log(`The audit log is whole: ${result.entries} entries, head ${result.head}`)
  else
    console.log(`The audit log is broken at entry ${result.brokenAt}; ${result.entries} entries before it are whole.`)
  return result.ok ? 0 : 1
}
