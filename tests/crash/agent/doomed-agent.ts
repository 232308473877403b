import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileAtomic } from '@openpista/common'
import { type Running, run } from '../../../scripts/demo/process.ts'
import { type CrashPlan, crashPlanFile, type Step } from './crash-plan.ts'
import { type Model, startModel } from './model.ts'
import { type Platform, startPlatform } from './platform.ts'

const MAIN = join(import.meta.dirname, '../../../agent/openpista/src/main.ts')
const HAUNT = new URL('./haunt-agent.ts', import.meta.url).href
const REACHED_MILLIS = 60_000

/** `openpista start` with a messenger and a model, which dies where it is told to and is started again. */
export type DoomedAgent = {
  home: string
  workspace: string
  socket: string
  platform: Platform
  model: Model
  /** The next life, or the rest of this one, ends at this step. */
  dieAt: (step: Step) => void
  /** Ends it now, by SIGKILL. */
  kill: () => void
  /** Resolves when it has died; rejects when it lives on. */
  death: () => Promise<void>
  start: () => Promise<void>
  /** A start that ends before it is done, at the step that was named. */
  startAndDie: () => Promise<void>
  passTime: (seconds: number) => void
  query: <Row>(sql: string, ...parameters: string[]) => Row[]
  stop: () => Promise<void>
}

export async function startDoomedAgent(): Promise<DoomedAgent> {
  const home = mkdtempSync(join(tmpdir(), 'doomed-agent-'))
  const platform = await startPlatform()
  const model = await startModel()
  writeFileSync(join(home, 'config.toml'), configOf(model), { mode: 0o600 })
  const planFile = crashPlanFile(home)
  const plan = () => JSON.parse(readFileSync(planFile, 'utf8')) as CrashPlan
  writeFileAtomic(planFile, JSON.stringify({ ahead: 0 } satisfies CrashPlan))
  const printed: string[] = []
  const spawn = () =>
    run({
      entry: MAIN,
      args: ['start'],
      env: {
        OPENPISTA_HOME: home,
        PLATFORM_URL: platform.url,
        NODE_OPTIONS: `--import=${HAUNT}`,
        TZ: 'UTC',
      },
      echo: (line) => printed.push(line),
    })
  let current: Running
  const start = async () => {
    current = spawn()
    await current.until(/openpista is ready/)
  }
  const death = async () => {
    const patience = sleep(REACHED_MILLIS, 'alive' as const, { ref: false })
    const ended = await Promise.race([current.ended, patience])
    if (ended !== 'alive' && plan().step === undefined) return
    await current.kill()
    const { step } = plan()
    writeFileAtomic(planFile, JSON.stringify({ ahead: plan().ahead }))
    throw new Error(`never came to ${JSON.stringify(step)}:\n${printed.slice(-20).join('\n')}`)
  }
  await start()
  return {
    home,
    workspace: join(home, 'workspace'),
    socket: join(home, 'openpista.sock'),
    platform,
    model,
    dieAt: (step) => writeFileAtomic(planFile, JSON.stringify({ ...plan(), step })),
    kill: () => process.kill(current.pid, 'SIGKILL'),
    death,
    start,
    startAndDie: async () => {
      current = spawn()
      await death()
    },
    passTime: (seconds) => writeFileAtomic(planFile, JSON.stringify({ ...plan(), ahead: plan().ahead + seconds })),
    query: (sql, ...parameters) => query(join(home, 'memory.db'), sql, parameters),
    stop: async () => {
      await current.stop()
      await platform.close()
      await model.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function configOf({ baseUrl, apiKey }: Model): string {
  return `[agent]
provider = "custom"
model = "test-model"
base_url = "${baseUrl}"
api_key = "${apiKey}"
context_chars = 10000
[executor]
kind = "host"
[browser]
enabled = false
`
}

function query<Row>(path: string, sql: string, parameters: readonly string[]): Row[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  try {
    return database.prepare(sql).all(...parameters) as Row[]
  } finally {
    database.close()
  }
}
