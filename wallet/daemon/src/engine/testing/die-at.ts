import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { ClientRequest } from 'node:http'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type CrashPlan, crashPlanFile, crashTraceFile, type Point } from './crash-plan.ts'

/**
 * Loaded into a daemon before its own code (`node --import`): ends it by SIGKILL at the point that the plan in
 * its data directory names, and sets its clock ahead. The daemon's code knows nothing of it: the points are
 * commits to its database, told apart by the log entries they carry, calls to nodes, and questions to the signer.
 */
haunt(crashPlanFile(process.argv[2]!), crashTraceFile(process.argv[2]!))

function haunt(file: string, traceFile: string): void {
  let plan: CrashPlan = { ahead: 0 }
  const look = () => {
    plan = JSON.parse(readFileSync(file, 'utf8')) as CrashPlan
  }
  const reached: Reached = (when, steps) => {
    look()
    const { point, ...rest } = plan
    if (rest.trace && when === 'before') appendFileSync(traceFile, steps.map((step) => `${step}\n`).join(''))
    if (point === undefined || point.when !== when || !steps.includes(point.what)) return
    writeFileSync(`${file}.done`, JSON.stringify(rest satisfies CrashPlan))
    renameSync(`${file}.done`, file)
    if (point.victim !== 'daemon') process.kill(process.ppid, 'SIGKILL')
    if (point.victim !== 'signer') process.kill(process.pid, 'SIGKILL')
  }
  watchCommits(reached)
  watchCalls(reached)
  watchSigner(reached)
  const ahead = (now: () => number) => () => {
    look()
    return now() + plan.ahead * 1000
  }
  Date.now = ahead(Date.now)
  // So much time has passed: no clock was set.
  performance.now = ahead(performance.now.bind(performance))
}

/** What is about to happen, or has just happened, as points name it. */
type Reached = (when: Point['when'], steps: readonly string[]) => void

/** A commit is known by any log entry it adds: `commit TX_SIGNED`. */
function watchCommits(reached: Reached): void {
  const prepare = DatabaseSync.prototype.prepare
  const watched = (db: DatabaseSync, commit: StatementSync): StatementSync => {
    const added = prepare.call(db, 'SELECT seq, type FROM events WHERE seq > ?')
    const last = prepare.call(db, 'SELECT coalesce(max(seq), 0) AS seq FROM events')
    let seen = Number(last.get()!.seq)
    const around = <Result>(run: () => Result): Result => {
      const entries = added.all(seen)
      seen = Math.max(seen, ...entries.map(({ seq }) => Number(seq)))
      const carried = entries.map(({ type }) => `commit ${type}`)
      reached('before', carried)
      const result = run()
      reached('after', carried)
      return result
    }
    return new Proxy(commit, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown
        if (typeof value !== 'function') return value
        if (name !== 'run' && name !== 'all') return value.bind(target)
        return (...parameters: unknown[]) => around(() => value.apply(target, parameters))
      },
    })
  }
  DatabaseSync.prototype.prepare = function (text: string) {
    const statement = prepare.call(this, text)
    return /^commit$/i.test(text.trim()) ? watched(this, statement) : statement
  }
}

/** A call to a node: `call eth_sendRawTransaction`. After it the node has carried it out, and nobody here knows. */
function watchCalls(reached: Reached): void {
  const end = ClientRequest.prototype.end
  ClientRequest.prototype.end = function (this: ClientRequest, ...parameters: unknown[]) {
    const body = typeof parameters[0] === 'string' ? parameters[0] : ''
    const carried = Array.from(body.matchAll(/"method":"(\w+)"/g), ([, method]) => `call ${method}`)
    this.prependOnceListener('response', () => reached('after', carried))
    reached('before', carried)
    return Reflect.apply(end, this, parameters) as ClientRequest
  }
}

/** A question to the signer: `ask sign`. */
function watchSigner(reached: Reached): void {
  const send = process.send!
  const asked = new Map<number, string>()
  process.send = function (this: NodeJS.Process, ...parameters: unknown[]) {
    const { id, method } = parameters[0] as { id: number; method: string }
    asked.set(id, method)
    reached('before', [`ask ${method}`])
    return Reflect.apply(send, process, parameters) as boolean
  }
  process.prependListener('message', (message) => {
    const { id } = message as { id: number }
    const method = asked.get(id)
    asked.delete(id)
    reached('after', [`ask ${method}`])
  })
}
