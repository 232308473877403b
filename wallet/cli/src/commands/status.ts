import { type OpenWork, readOpenWork } from '@waiaas/daemon'
import { WAIaaSAdminClient } from '@waiaas/sdk'
import { isRunning, NOT_RUNNING_EXIT, readRunFile } from '../daemon-state.ts'
import { heldAccountsText, killSwitchText, openPaymentsText } from '../open-work-text.ts'

export async function status(dataDir: string, options: { json?: boolean }): Promise<void> {
  const report = await look(dataDir)
  if (options.json === true) console.log(JSON.stringify(report))
  else console.log(inWords(report))
  if (report.state !== 'running') process.exitCode = NOT_RUNNING_EXIT
}

type Report =
  | { state: 'starting' }
  | ({ state: 'stopped' } & OpenWork)
  | ({ state: 'running'; url: string; pid: number; version: string; uptime: number } & OpenWork)

async function look(dataDir: string): Promise<Report> {
  if (!(await isRunning(dataDir))) return { state: 'stopped', ...(await readOpenWork(dataDir)) }
  const found = readRunFile(dataDir)
  if (found === undefined) return { state: 'starting' }
  const health = await new WAIaaSAdminClient({ baseUrl: found.url, retries: 0, timeoutMillis: 5_000 }).health()
  const { version, uptime } = health
  return { state: 'running', url: found.url, pid: found.signerPid, version, uptime, ...(await readOpenWork(dataDir)) }
}

function inWords(report: Report): string {
  if (report.state === 'starting') return 'The daemon is starting.'
  const { openTransactions, heldAccounts, killSwitch } = report
  const stop = killSwitchText(killSwitch)
  const held = heldAccounts === 0 ? [] : [heldAccountsText(heldAccounts)]
  if (report.state === 'stopped') {
    const open = openTransactions === 0 ? [] : [openPaymentsText(openTransactions)]
    return ['The daemon is not running.', ...stop, ...open, ...held].join('\n')
  }
  const { url, pid, version, uptime } = report
  const running = `The daemon is running on ${url} (version ${version}, process ${pid}, up ${uptime} s).`
  return [running, ...stop, openPaymentsText(openTransactions), ...held].join('\n')
}
