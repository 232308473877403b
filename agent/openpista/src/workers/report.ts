import type { Delivery, Inbound, Outbound } from '../channels/channel.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { Messenger } from '../gateway/announcer.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { GIVEN_UP, type Sessions } from '../sessions.ts'
import type { Store } from '../store/store.ts'
import { everySource, findWorker, runningBelow, type WorkerRow, workerOfSession } from '../store/workers.ts'
import { partOf } from '../tools/part.ts'
import type { Endings } from './endings.ts'
import { readReport } from './view.ts'
import { reportLine } from './words.ts'

/** The parts of the program that workers and their people are reached through. */
export type Office = Pick<Gateway, 'admitTo'> & Pick<Sessions, 'cancel'> & Messenger

export type ReporterParts = Office & { store: Store; endings: Endings }

/** Characters of a report that go into the session by themselves; `worker.result` reads the rest. */
export const REPORT_CHARS = 8000
const NOTE_CHARS = 1000

/**
 * Takes the answer of a worker's turn for its report: puts it into the session that it works for, tells its people,
 * and closes the worker. Done again after a crash it changes nothing.
 */
export async function deliverReport(parts: ReporterParts, outbound: Outbound): Promise<Delivery> {
  if (outbound.kind !== 'text') return { kind: 'failed', message: 'Nobody looks at the session of a worker.' }
  const { db } = parts.store
  const row = await findWorker(db, outbound.chat)
  const turn = await db.selectFrom('turns').selectAll().where('id', '=', outbound.key).executeTakeFirst()
  if (row === undefined || row.state !== 'running' || turn === undefined) return DELIVERED
  const ended: WorkerRow = {
    ...row,
    state: stateOf(turn, row),
    report: outbound.text,
    sources: JSON.stringify(await everySource(db, row.session_id)),
    ended_at: turn.updated_at,
  }
  for (const sessionId of await runningBelow(db, row.session_id)) await parts.cancel(sessionId)
  await putReport(parts, ended)
  await parts.store.write(async (transaction) => {
    const { state, report, sources, ended_at } = ended
    await transaction
      .updateTable('workers')
      .set({ state, report, sources, ended_at })
      .where('id', '=', row.id)
      .execute()
  })
  parts.endings.tell(row.id)
  return DELIVERED
}

const DELIVERED: Delivery = { kind: 'delivered' }

function stateOf(turn: { state: string; error: string | null }, { stopped }: WorkerRow): WorkerRow['state'] {
  if (turn.state === 'STOPPED') return 'done'
  // A turn that nobody stopped ends so with the program, or was given up at a start.
  if (turn.state === 'ABORTED') return stopped === 1 ? 'cancelled' : 'interrupted'
  return turn.error === GIVEN_UP ? 'interrupted' : 'failed'
}

/** A worker that works for a worker that has ended reports to nobody. */
async function putReport({ store, admitTo, send }: ReporterParts, row: WorkerRow): Promise<void> {
  const { db } = store
  const parent = await workerOfSession(db, row.parent_id)
  if (parent !== undefined && parent.state !== 'running') return
  const session = await db
    .selectFrom('sessions')
    .select(['id', 'channel', 'address'])
    .where('id', '=', row.parent_id)
    .executeTakeFirst()
  if (session === undefined) return
  const report = await readReport(db, row)
  const text = `${reportLine(report)}\n${partOf(report.text, { offset: 0, limit: REPORT_CHARS })}`
  const target = { ...session, address: JSON.parse(session.address) as { chat: string; thread?: string } }
  await admitTo(target, reportMessage(target, row.id, text, report.sources))
  if (parent !== undefined || (await isRunning(store, session.id))) return
  const start = report.text.slice(0, NOTE_CHARS).toWellFormed()
  const note = `Worker '${row.name}': ${row.state}.\n${start}${start.length < report.text.length ? '…' : ''}`
  await send(session.id, reportId(row.id), note)
}

function reportMessage(
  { channel, address }: { channel: string; address: { chat: string; thread?: string } },
  worker: string,
  text: string,
  sources: readonly Provenance[],
): Inbound {
  const [sender = { kind: 'system' as const }] = sources
  const work = { kind: 'report' as const, sender, untrusted: sources }
  return { channel, ...address, user: 'worker', id: reportId(worker), text, owner: false, work }
}

/** The id of a worker's report as a message. */
export function reportId(worker: string): string {
  return `report:${worker}`
}

/** While a turn runs there the agent itself tells what came of it. */
async function isRunning({ db }: Store, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('turns')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('state', '=', 'RUNNING')
    .executeTakeFirst()
  return row !== undefined
}
