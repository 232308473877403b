import { createHash } from 'node:crypto'
import type { Channel, Inbound } from '../channels/channel.ts'
import type { RunLoop } from '../recording.ts'
import { insertSession } from '../store/sessions.ts'
import type { Store, Transaction } from '../store/store.ts'
import { usedBelow } from '../store/usage.ts'
import {
  dropWaitingReport,
  findWorker,
  findWorkerOf,
  runningWorkers,
  type WorkerRow,
  workerOfSession,
  workersOf,
} from '../store/workers.ts'
import type { Tool } from '../tools/tool.ts'
import { narrowBudget, restOf } from './budget.ts'
import { confineRuns } from './confine.ts'
import { createEndings, type Endings } from './endings.ts'
import { deliverReport, type Office, reportId } from './report.ts'
import { taskMessage } from './task.ts'
import { readReport, readView } from './view.ts'
import {
  type Budget,
  WORKER_CHANNEL,
  type WorkerOrder,
  type WorkerOrigin,
  type WorkerStart,
  type Workers,
} from './worker.ts'

export type WorkersParts = {
  store: Store
  now: () => number
  /** What one turn may use, and so the most that a worker gets. */
  limits: { maxRounds: number; turn: { tokens: number; usd: number } }
  config: { at_once: number; depth: number }
  /** The tools that a worker may have. Those about workers come by themselves, where it may start some. */
  tools: readonly Tool[]
}

/** The workers, with what ties them to the rest of the program. */
export type WorkerHost = Workers & {
  /** Where their sessions live: tasks come in through it, and what it delivers are reports. Connected once. */
  connect: (office: Office) => Channel
  /** The loop, in which a worker has its own tools and budget and no more. */
  confine: (runLoop: RunLoop) => RunLoop
}

export function createWorkers(parts: WorkersParts): WorkerHost {
  const { store, config } = parts
  const { db } = store
  const opened = Promise.withResolvers<Office>()
  const endings = createEndings()

  /** The inbox takes a task once, so that this may be done again. */
  async function admit(row: WorkerRow): Promise<WorkerStart> {
    const { admitTo } = await opened.promise
    const session = { id: row.session_id, channel: WORKER_CHANNEL, address: { chat: row.id } }
    await admitTo(session, JSON.parse(row.task) as Inbound)
    return { ok: true, worker: await readView(db, row) }
  }

  return {
    start: async (order, origin) => {
      const known = await findWorker(db, idOf(origin))
      if (known !== undefined) return await admit(known)
      const planned = await plan(parts, order, origin)
      if (!planned.ok) return planned
      const refusal = await store.write((transaction) => insert(transaction, planned.row, config.at_once))
      return refusal === undefined ? await admit(planned.row) : { ok: false, message: refusal }
    },
    list: async (sessionId) => {
      const rows = await workersOf(db, sessionId)
      return await Promise.all(rows.map((row) => readView(db, row)))
    },
    result: (sessionId, worker, waitMs, signal) => readResult(store, endings, { sessionId, worker, waitMs }, signal),
    cancel: async (sessionId, worker) => {
      const row = await findWorkerOf(db, sessionId, worker)
      if (row?.state !== 'running') return false
      await (await opened.promise).cancel(row.session_id)
      return true
    },
    connect: (office) => ({
      name: WORKER_CHANNEL,
      approvalSeconds: 60,
      start: async () => {
        opened.resolve(office)
        for (const row of await runningWorkers(db)) await admit(row)
      },
      deliver: (outbound) => deliverReport({ store, endings, ...office }, outbound),
      stop: async () => {},
    }),
    confine: (runLoop) => confineRuns(runLoop, store, config.depth),
  }
}

type Wanted = { sessionId: string; worker: string; waitMs: number }

async function readResult(store: Store, endings: Endings, { sessionId, worker, waitMs }: Wanted, signal: AbortSignal) {
  const { db } = store
  const found = await findWorkerOf(db, sessionId, worker)
  if (found === undefined) return undefined
  const over = new AbortController()
  const ended = endings.wait(found.id, AbortSignal.any([signal, over.signal, AbortSignal.timeout(waitMs)]))
  // Looked at again: it may have ended before there was a wait.
  let row = (await findWorker(db, found.id)) ?? found
  if (row.state === 'running') {
    await ended
    row = (await findWorker(db, found.id)) ?? row
  }
  over.abort()
  if (row.state === 'running') return await readView(db, row)
  if (!signal.aborted) await store.write((transaction) => dropWaitingReport(transaction, sessionId, reportId(row.id)))
  return await readReport(db, row)
}

/** The same for the same call: done again after a crash it is the same worker. */
function idOf({ sessionId, turnId, callId }: WorkerOrigin): string {
  return createHash('sha256')
    .update(JSON.stringify([sessionId, turnId, callId]))
    .digest('hex')
    .slice(0, 12)
}

type Planned = { ok: true; row: WorkerRow } | { ok: false; message: string }

async function plan(parts: WorkersParts, order: WorkerOrder, origin: WorkerOrigin): Promise<Planned> {
  const { store, config, now } = parts
  const parent = await workerOfSession(store.db, origin.sessionId)
  const depth = (parent?.depth ?? 0) + 1
  if (depth > config.depth) return { ok: false, message: 'A worker may not start workers here (workers.depth).' }
  const offered = parent === undefined ? toolNames(parts.tools) : (JSON.parse(parent.tools) as string[])
  const unknown = order.tools?.filter((name) => !offered.includes(name)) ?? []
  if (unknown.length > 0) {
    return { ok: false, message: `A worker cannot have ${unknown.join(', ')}. It can have: ${offered.join(', ')}.` }
  }
  const most = await mostFor(parts, parent)
  if (most === undefined) return { ok: false, message: 'Nothing is left of the budget of this worker.' }
  const id = idOf(origin)
  const row: WorkerRow = {
    ...{ id, session_id: `${WORKER_CHANNEL}:${id}`, name: order.name ?? `worker-${id.slice(0, 4)}` },
    ...{ parent_id: origin.sessionId, depth, state: 'running', stopped: 0 },
    root_id: parent?.root_id ?? origin.sessionId,
    root_turn: parent?.root_turn ?? origin.turnId,
    task: JSON.stringify(await taskMessage(store, id, order.task, origin)),
    tools: JSON.stringify(order.tools ?? offered),
    budget: JSON.stringify(narrowBudget(order.budget, most)),
    ...{ report: null, sources: null, created_at: now(), ended_at: null },
  }
  return { ok: true, row }
}

function toolNames(tools: readonly Tool[]): string[] {
  return tools.flatMap(({ name, inWorkers = true }) => (inWorkers ? name : []))
}

async function mostFor({ store, limits }: WorkersParts, parent: WorkerRow | undefined): Promise<Budget | undefined> {
  if (parent === undefined) return { rounds: limits.maxRounds, ...limits.turn }
  return restOf(JSON.parse(parent.budget) as Budget, await usedBelow(store.db, parent.session_id))
}

/** Answers in words why there cannot be one more. */
async function insert(transaction: Transaction, row: WorkerRow, atOnce: number): Promise<string | undefined> {
  const running = await transaction
    .selectFrom('workers')
    .select(['name', 'parent_id'])
    .where('root_id', '=', row.root_id)
    .where('state', '=', 'running')
    .execute()
  if (running.length >= atOnce) {
    return `${running.length} workers run already, which is as many as may (workers.at_once). Wait for one to end.`
  }
  if (running.some(({ name, parent_id }) => name === row.name && parent_id === row.parent_id)) {
    return `A worker '${row.name}' runs already; take another name.`
  }
  await transaction
    .insertInto('workers')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await insertSessionOf(transaction, row)
  return undefined
}

/** A worker thinks with the model that the owner chose for the session that it works for. */
async function insertSessionOf(transaction: Transaction, row: WorkerRow): Promise<void> {
  const { model } = await transaction
    .selectFrom('sessions')
    .select('model')
    .where('id', '=', row.parent_id)
    .executeTakeFirstOrThrow()
  const session = { id: row.session_id, channel: WORKER_CHANNEL, address: { chat: row.id }, model }
  await insertSession(transaction, session, row.created_at)
}
