import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileAtomic } from '@openpista/common'
import { programEntry } from '@openpista/testing/programs'
import { WAIaaSAdminClient } from '@waiaas/sdk'
import { type Running, run } from '../../scripts/demo/process.ts'
import {
  type CrashPlan,
  crashPlanFile,
  crashTraceFile,
  type Point,
} from '../../wallet/daemon/src/engine/testing/crash-plan.ts'
import { prepareDataDir } from '../../wallet/daemon/src/testing/prepared-data-dir.ts'

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

const PASSWORD = 'a master password for crashes'
const REACHED_MILLIS = 60_000

export async function startDoomedWallet(env: Record<string, string>): Promise<DoomedWallet> {
  const folder = mkdtempSync(join(tmpdir(), 'doomed-'))
  const dataDir = join(folder, 'waiaas')
  const program = programOf(dataDir, env)
  await prepareDataDir(dataDir, PASSWORD)
  writeFileAtomic(join(dataDir, 'recovery-password'), PASSWORD)
  const plan = planOf(dataDir)
  const start = async () => {
    const running = program.haunted()
    const [, url] = await running.until(/waiaas is ready on (\S+)/)
    const admin = new WAIaaSAdminClient({ baseUrl: url!, retries: 0 })
    await admin.login(PASSWORD)
    return { running, url: url!, admin }
  }
  let current = await start()
  /** One life that ends at the first point, and one at each further point; then one that goes on. */
  const live = async ([first, ...more]: [Point, ...Point[]], act: () => Promise<unknown>) => {
    try {
      plan.change({ point: first })
      const acted = Promise.allSettled([act()])
      await death(program, plan, current.running, first)
      await acted
      for (const point of more) {
        plan.change({ point })
        await death(program, plan, program.haunted(), point)
      }
    } finally {
      current = await start()
    }
  }
  return {
    dataDir,
    url: () => current.url,
    admin: () => current.admin,
    dieAt: (point, act) => live([point], act),
    dieTwice: (first, second, act) => live([first, second], act),
    passTime: (seconds) => plan.change({ ahead: plan.read().ahead + seconds }),
    trace: () => {
      plan.change({ trace: true })
      return { lines: () => readFileSync(crashTraceFile(dataDir), 'utf8').split('\n') }
    },
    startAgain: async () => {
      const second = program.run(['start'])
      return { code: await second.ended, output: second.output() }
    },
    query: (sql, ...parameters) => query(join(dataDir, 'data', 'waiaas.db'), sql, parameters),
    stop: async () => {
      await current.running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Program = {
  run: (args: string[], env?: Record<string, string>) => Running
  /** Started so that it dies where the plan says. */
  haunted: () => Running
  printed: readonly string[]
}

function programOf(dataDir: string, env: Record<string, string>): Program {
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
  const start = (args: string[], more: Record<string, string> = {}) =>
    run({ entry: programEntry('waiaas'), args, env: { ...settings, ...more }, echo: (line) => printed.push(line) })
  return { run: start, haunted: () => start(['start'], { NODE_OPTIONS: `--import=${HAUNT}` }), printed }
}

type Plan = { read: () => CrashPlan; change: (change: Partial<CrashPlan>) => void; forget: () => void }

/** The plan of a data directory; at first the daemon lives for ever. */
function planOf(dataDir: string): Plan {
  const file = crashPlanFile(dataDir)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as CrashPlan
  const write = (plan: CrashPlan) => writeFileAtomic(file, JSON.stringify(plan))
  write({ ahead: 0 })
  return {
    read,
    change: (change) => write({ ...read(), ...change }),
    forget: () => write({ ahead: read().ahead }),
  }
}

/** Resolves when the wallet has died where it was told to; otherwise it is ended, and this rejects. */
async function death(program: Program, plan: Plan, running: Running, { when, what }: Point): Promise<void> {
  const patience = sleep(REACHED_MILLIS, 'not reached' as const, { ref: false })
  const ended = await Promise.race([running.ended, patience])
  if (ended !== 'not reached' && plan.read().point === undefined) return
  await running.kill()
  plan.forget()
  throw new Error(`never came to "${when} ${what}":\n${program.printed.slice(-20).join('\n')}`)
}

function query(path: string, sql: string, parameters: readonly string[]): ReturnType<DoomedWallet['query']> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare(sql).all(...parameters) as ReturnType<DoomedWallet['query']>
  } finally {
    database.close()
  }
}
