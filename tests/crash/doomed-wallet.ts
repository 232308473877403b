import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileAtomic } from '@openpista/common'
import { WAIaaSAdminClient } from '@waiaas/sdk'
import { type Running, run } from '../../scripts/demo/process.ts'
import {
  type CrashPlan,
  crashPlanFile,
  crashTraceFile,
  type Point,
} from '../../wallet/daemon/src/engine/testing/crash-plan.ts'

const require = createRequire(import.meta.url)
const WAIAAS = require.resolve('@waiaas/cli')
const HAUNT = new URL('./haunt-daemon.ts', import.meta.url).href

/** `waiaas start`, both of its processes, which die where they are told to and are started again. */
export type DoomedWallet = {
  dataDir: string
  url: () => string
  admin: () => WAIaaSAdminClient
  /** Runs `act`, in the course of which the wallet dies at the point; then starts it again. */
  dieAt: (point: Point, act: () => Promise<unknown>) => Promise<void>
  /** The same, and the wallet dies once more, at `second`, while it takes up what was left. */
  dieTwice: (first: Point, second: Point, act: () => Promise<unknown>) => Promise<void>
  /** Sets the wallet's clock ahead of the machine's by so many seconds more. */
  passTime: (seconds: number) => void
  /** Writes down commits and calls from now on; answers what was written down, in order. */
  trace: () => { lines: () => string[] }
  /** `waiaas start` once more, while the wallet runs: what it prints, and how it ends. */
  startAgain: () => Promise<{ code: number | null; output: string }>
  query: (sql: string, ...parameters: string[]) => Record<string, string | number | null>[]
  stop: () => Promise<void>
}

const REACHED_MILLIS = 60_000

export async function startDoomedWallet(env: Record<string, string>): Promise<DoomedWallet> {
  const folder = mkdtempSync(join(tmpdir(), 'doomed-'))
  const dataDir = join(folder, 'waiaas')
  const printed: string[] = []
  const settings = {
    WAIAAS_DATA_DIR: dataDir,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_DAEMON_LOG_LEVEL: 'warn',
    WAIAAS_SECURITY_RATE_LIMIT_PUBLIC_RPM: '1000000',
    WAIAAS_SECURITY_RATE_LIMIT_SESSION_RPM: '1000000',
    WAIAAS_SECURITY_RATE_LIMIT_OPERATOR_RPM: '1000000',
    ...env,
  }
  const waiaas = (args: string[], more: Record<string, string>): Running =>
    run({ entry: WAIAAS, args, env: { ...settings, ...more }, echo: (line) => printed.push(line) })
  await waiaas(['init', '--auto-provision'], {}).until(/Next: waiaas start/)
  const password = readFileSync(join(dataDir, 'recovery-password'), 'utf8').trim()
  const planFile = crashPlanFile(dataDir)
  mkdirSync(join(dataDir, 'run'), { recursive: true, mode: 0o700 })
  const planned = () => JSON.parse(readFileSync(planFile, 'utf8')) as CrashPlan
  const plan = (content: CrashPlan) => writeFileAtomic(planFile, JSON.stringify(content))

  const start = async () => {
    const running = waiaas(['start'], { NODE_OPTIONS: `--import=${HAUNT}` })
    const [, url] = await running.until(/waiaas is ready on (\S+)/)
    const admin = new WAIaaSAdminClient({ baseUrl: url!, retries: 0 })
    await admin.login(password)
    return { running, url: url!, admin }
  }
  const death = async (running: Running, point: Point) => {
    const ended = await Promise.race([running.ended, sleep(REACHED_MILLIS, 'not reached' as const)])
    if (ended !== 'not reached' && planned().point === undefined) return
    await running.kill()
    plan({ ahead: planned().ahead })
    throw new Error(`never came to "${point.when} ${point.what}":\n${printed.slice(-20).join('\n')}`)
  }
  /** One life that ends at the first point, and one at each further point; then one that goes on. */
  const live = async ([first, ...more]: [Point, ...Point[]], act: () => Promise<unknown>) => {
    try {
      plan({ ...planned(), point: first })
      const acted = Promise.allSettled([act()])
      await death(current.running, first)
      await acted
      for (const point of more) {
        plan({ ...planned(), point })
        await death(waiaas(['start'], { NODE_OPTIONS: `--import=${HAUNT}` }), point)
      }
    } finally {
      current = await start()
    }
  }
  plan({ ahead: 0 })
  let current = await start()
  return {
    dataDir,
    url: () => current.url,
    admin: () => current.admin,
    dieAt: (point, act) => live([point], act),
    dieTwice: (first, second, act) => live([first, second], act),
    passTime: (seconds) => {
      plan({ ...planned(), ahead: planned().ahead + seconds })
    },
    trace: () => {
      plan({ ...planned(), trace: true })
      return { lines: () => readFileSync(crashTraceFile(dataDir), 'utf8').split('\n') }
    },
    startAgain: async () => {
      const second = waiaas(['start'], {})
      return { code: await second.ended, output: second.output() }
    },
    query: (sql, ...parameters) => {
      const database = new DatabaseSync(join(dataDir, 'data', 'waiaas.db'), { readOnly: true })
      try {
        return database.prepare(sql).all(...parameters) as Record<string, string | number | null>[]
      } finally {
        database.close()
      }
    },
    stop: async () => {
      await current.running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
