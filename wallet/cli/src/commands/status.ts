import { WAIaaSAdminClient } from '@waiaas/sdk'
import { isRunning, NOT_RUNNING_EXIT, readRunFile } from '../daemon-state.ts'

export async function status(dataDir: string, options: { json?: boolean }): Promise<void> {
  const report = await look(dataDir)
  if (options.json === true) console.log(JSON.stringify(report))
  else console.log(inWords(report))
  if (report.state !== 'running') process.exitCode = NOT_RUNNING_EXIT
}

type Report =
  | { state: 'stopped' | 'starting' }
  | { state: 'running'; url: string; pid: number; version: string; uptime: number }

async function look(dataDir: string): Promise<Report> {
  if (!(await isRunning(dataDir))) return { state: 'stopped' }
  const found = readRunFile(dataDir)
  if (found === undefined) return { state: 'starting' }
  const health = await new WAIaaSAdminClient({ baseUrl: found.url, retries: 0, timeoutMillis: 5_000 }).health()
  return { state: 'running', url: found.url, pid: found.signerPid, version: health.version, uptime: health.uptime }
}

function inWords(report: Report): string {
  if (report.state !== 'running') return `The daemon is ${report.state === 'stopped' ? 'not running' : 'starting'}.`
  const { url, pid, version, uptime } = report
  return `The daemon is running on ${url} (version ${version}, process ${pid}, up ${uptime} s).`
}
