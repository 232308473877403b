import { readFileSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { writeFileAtomic } from '@openpista/common'
import type { ChannelDefinition } from '../../../agent/openpista/src/channels/definition.ts'
import { channels } from '../../../agent/openpista/src/channels/index.ts'
import { type CrashPlan, crashPlanFile, type Step } from './crash-plan.ts'
import { lettersIn } from './letters.ts'

/**
 * Loaded into `openpista start` before its own code (`node --import`): ends it by SIGKILL at the step that the plan
 * in its home folder names, sets its clock ahead, and puts a messenger in the place of the web channel. The agent's
 * code knows nothing of it: steps are rows that a commit carries, seen by triggers of the connection's own.
 */
haunt(process.env.OPENPISTA_HOME!, process.env.PLATFORM_URL!)

function haunt(home: string, platformUrl: string): void {
  const file = crashPlanFile(home)
  const look = () => JSON.parse(readFileSync(file, 'utf8')) as CrashPlan
  watchCommits((when, carried) => {
    const { step, ...rest } = look()
    if (step === undefined || step.when !== when || !carried.includes(step.what)) return
    const last = step.nth === 1
    writeFileAtomic(file, JSON.stringify(last ? rest : { ...rest, step: { ...step, nth: step.nth - 1 } }))
    if (last) process.kill(process.pid, 'SIGKILL')
  })
  const now = Date.now
  Date.now = () => now() + look().ahead * 1000
  const seat = channels.findIndex(({ name }) => name === 'web')
  ;(channels as ChannelDefinition[])[seat] = lettersIn('web', platformUrl)
}

type Reached = (when: Step['when'], carried: readonly string[]) => void

/** What a row says about itself, by table and by what was done to it. */
const STEPS: readonly [table: string, event: string, name: string][] = [
  ['inbox', 'INSERT', `'inbox ' || new.state`],
  ['inbox', 'UPDATE OF state', `'inbox ' || new.state`],
  ['turns', 'INSERT', `'turns ' || new.state`],
  ['turns', 'UPDATE OF state', `'turns ' || new.state`],
  ['turns', 'UPDATE OF resumes', `'turns resumed'`],
  ['messages', 'INSERT', `'messages ' || new.role`],
  ['tool_calls', 'UPDATE OF state', `'tool_calls ' || new.state`],
  ['cards', 'INSERT', `'cards open'`],
  ['cards', 'UPDATE OF outcome', `'cards ' || new.outcome`],
  ['outbox', 'INSERT', `'outbox ' || new.state`],
  ['outbox', 'UPDATE OF state', `'outbox ' || new.state`],
  ['summaries', 'INSERT', `'summaries new'`],
  ['limit_grants', 'INSERT', `'limit_grants new'`],
  ['schedules', 'UPDATE OF next_at', `'schedules moved'`],
  ['schedules', 'DELETE', `'schedules moved'`],
]

function watchCommits(reached: Reached): void {
  const { prepare, exec } = DatabaseSync.prototype
  const carriedBy = new WeakMap<DatabaseSync, string[]>()

  function begin(db: DatabaseSync): void {
    const known = carriedBy.get(db)
    if (known !== undefined) {
      known.length = 0
      return
    }
    const ready = prepare.call(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schedules'").get()
    if (ready === undefined) return
    const carried: string[] = []
    carriedBy.set(db, carried)
    db.function('step', (name) => {
      carried.push(String(name))
      return null
    })
    for (const [index, [table, event, name]] of STEPS.entries()) {
      const made = `CREATE TEMP TRIGGER step_${index} AFTER ${event} ON main.${table}`
      exec.call(db, `${made} BEGIN SELECT step(${name}); END`)
    }
  }

  function around<Result>(db: DatabaseSync, text: string, run: () => Result): Result {
    if (/^\s*begin\b/i.test(text)) begin(db)
    if (!/^\s*commit\b/i.test(text)) return run()
    const carried = [...(carriedBy.get(db) ?? [])]
    reached('before', carried)
    const result = run()
    reached('after', carried)
    return result
  }

  DatabaseSync.prototype.exec = function (text: string) {
    around(this, text, () => exec.call(this, text))
  }
  DatabaseSync.prototype.prepare = function (text: string) {
    const statement = prepare.call(this, text)
    if (!/^\s*(begin|commit)\b/i.test(text)) return statement
    return watched(statement, (run) => around(this, text, run))
  }
}

/** The statement, with `around` whatever runs it. */
function watched(statement: StatementSync, around: (run: () => unknown) => unknown): StatementSync {
  return new Proxy(statement, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'run' && name !== 'all' && name !== 'get') return value.bind(target)
      return (...parameters: unknown[]) => around(() => value.apply(target, parameters))
    },
  })
}
