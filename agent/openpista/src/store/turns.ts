import { type Kysely, sql } from 'kysely'
import type { Inbound, Outbound } from '../channels/channel.ts'
import type { Message } from '../domain/message.ts'
import { mixedText } from '../domain/mixed-text.ts'
import { senderProvenance } from '../domain/provenance.ts'
import type { LoopEnd } from '../loop.ts'
import { appendMessage, appendNotice } from './conversation.ts'
import type { Transaction } from './store.ts'
import type { Tables } from './tables.ts'

/** One run of the loop over one message. */
export type Turn = {
  id: string
  sessionId: string
  /** The message that started it. */
  inbound: Inbound
  /** Calls that an earlier process had begun. */
  begun: ReadonlySet<string>
}

export type Waiting = { id: string; inbound: Inbound }

/** The oldest message of a session that no turn has taken. A report of a worker waits for a turn and starts none. */
export async function nextWaiting(db: Kysely<Tables>, sessionId: string): Promise<Waiting | undefined> {
  const row = await waiting(db, sessionId).where(isReport, '=', 0).limit(1).executeTakeFirst()
  return row === undefined ? undefined : { id: row.id, inbound: JSON.parse(row.body) }
}

/** Whether a turn that runs has something to take in: a message, or a report. */
export async function isAnythingWaiting(db: Kysely<Tables>, sessionId: string): Promise<boolean> {
  return (await waiting(db, sessionId).limit(1).executeTakeFirst()) !== undefined
}

/** Starts a turn with a waiting message. */
export async function beginTurn(transaction: Transaction, turn: Turn, message: Waiting, now: number): Promise<void> {
  const { id, sessionId, inbound } = turn
  await transaction
    .insertInto('turns')
    .values({
      id,
      session_id: sessionId,
      state: 'RUNNING',
      round: 0,
      resumes: 0,
      position: 0,
      input_tokens: 0,
      output_tokens: 0,
      error: null,
      created_at: now,
      updated_at: now,
    })
    .execute()
  const reports = await waiting(transaction, sessionId).where(isReport, '=', 1).execute()
  const among = reports.map((row): Waiting => ({ id: row.id, inbound: JSON.parse(row.body) }))
  await takeReports(transaction, turn, among, now)
  await take(transaction, message.id, id)
  await appendMessage(transaction, { id: message.id, sessionId, turnId: id, at: now }, userMessage(inbound))
  await markPosition(transaction, turn)
  await sql`UPDATE sessions SET title = ${titleOf(inbound)} WHERE id = ${sessionId} AND title = ''`.execute(transaction)
}

/** Goes on with a turn after a restart. */
export async function resumeTurn(transaction: Transaction, turn: OpenTurn, now: number): Promise<void> {
  await transaction
    .updateTable('turns')
    .set({ resumes: turn.resumes + 1, updated_at: now })
    .where('id', '=', turn.id)
    .execute()
  await markPosition(transaction, turn)
}

async function markPosition(transaction: Transaction, { id, sessionId }: Turn): Promise<void> {
  await sql`UPDATE turns SET position = (SELECT max(position) FROM messages WHERE session_id = ${sessionId})
    WHERE id = ${id}`.execute(transaction)
}

/**
 * Takes what arrived during a turn into it: reports of workers, then the rest, oldest first, up to the first slash
 * command or scheduled text: that one waits for a turn of its own.
 */
export async function takeSteering(transaction: Transaction, turn: Turn, now: number): Promise<Message[]> {
  const rows = await waiting(transaction, turn.sessionId).execute()
  const all = rows.map(({ id, body }): Waiting => ({ id, inbound: JSON.parse(body) }))
  const others = all.filter(({ inbound }) => inbound.work === undefined)
  const own = others.findIndex(({ inbound }) => inbound.text.startsWith('/') || inbound.schedule !== undefined)
  const taken = await takeReports(transaction, turn, all, now)
  for (const { id, inbound } of own === -1 ? others : others.slice(0, own)) {
    const message = userMessage(inbound)
    await take(transaction, id, turn.id)
    await appendMessage(transaction, { id, sessionId: turn.sessionId, turnId: turn.id, at: now }, message)
    taken.push(message)
  }
  return taken
}

/** Reports join the conversation before whatever else is said in the turn. They are nothing that it has to answer. */
async function takeReports(
  transaction: Transaction,
  { id: turnId, sessionId }: Turn,
  among: readonly Waiting[],
  now: number,
): Promise<Message[]> {
  const reports = among.filter(({ inbound }) => inbound.work?.kind === 'report')
  for (const { id, inbound } of reports) {
    await transaction.updateTable('inbox').set({ state: 'DONE' }).where('id', '=', id).execute()
    await appendMessage(transaction, { id, sessionId, turnId, at: now }, userMessage(inbound))
  }
  return reports.map(({ inbound }) => userMessage(inbound))
}

const isReport = sql<number>`coalesce(json_extract(body, '$.work.kind'), '') = 'report'`

export type TurnEnd = {
  end: LoopEnd
  /** What went wrong, in words for people. */
  fault: string | undefined
  /** The whole answer. */
  text: string
  now: number
  isLive: (channel: string) => boolean
}

/** Closes a turn; on a channel that is not live the answer goes to the outbox. Answers whether it did. */
export async function endTurn(transaction: Transaction, turn: Turn, result: TurnEnd): Promise<boolean> {
  const { end, fault, text, now, isLive } = result
  const { inputTokens, outputTokens } = end.usage
  await sql`UPDATE turns SET state = ${TURN_STATES[end.status]}, round = round + ${end.rounds}, error = ${fault ?? null},
    input_tokens = input_tokens + ${inputTokens}, output_tokens = output_tokens + ${outputTokens}, updated_at = ${now}
    WHERE id = ${turn.id}`.execute(transaction)
  await transaction.updateTable('inbox').set({ state: 'DONE' }).where('turn_id', '=', turn.id).execute()
  if (fault !== undefined) {
    const tone = end.status === 'aborted' ? 'info' : 'error'
    await appendNotice(transaction, { sessionId: turn.sessionId, turnId: turn.id, at: now }, { text: fault, tone })
  }
  return await sendOut(transaction, { ...turn, now, isLive }, { key: turn.id, kind: 'text', text })
}

type Sending = { sessionId: string; now: number; isLive: (channel: string) => boolean }

/**
 * Queues a delivery to the people of a session who do not see its frames. The same key again changes nothing. Answers
 * whether the outbox has it: not where the channel is live, and not when the session is gone.
 */
export async function sendOut(
  transaction: Transaction,
  { sessionId, now, isLive }: Sending,
  what: Unaddressed,
): Promise<boolean> {
  const session = await transaction
    .selectFrom('sessions')
    .select(['channel', 'address'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined || isLive(session.channel)) return false
  await transaction
    .insertInto('outbox')
    .values({
      id: what.key,
      channel: session.channel,
      session_id: sessionId,
      body: JSON.stringify({ ...what, ...JSON.parse(session.address) }),
      state: 'WAITING',
      attempts: 0,
      next_at: now,
      platform_id: null,
      error: null,
      created_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return true
}

type WithoutAddress<Each> = Each extends Outbound ? Omit<Each, 'chat' | 'thread'> : never
export type Unaddressed = WithoutAddress<Outbound>

/** `cancelled`: it was told to end, and the program ended first. */
export type OpenTurn = Turn & { resumes: number; cancelled: boolean }

/** Turns that an earlier process did not close. */
export async function openTurns(db: Kysely<Tables>): Promise<OpenTurn[]> {
  const rows = await db
    .selectFrom('turns')
    .select(['id', 'session_id', 'resumes'])
    .where('state', '=', 'RUNNING')
    .execute()
  return await Promise.all(rows.map((row) => openTurn(db, row)))
}

async function openTurn(
  db: Kysely<Tables>,
  { id, session_id, resumes }: { id: string; session_id: string; resumes: number },
): Promise<OpenTurn> {
  const inbound = await turnMessage(db, id)
  const calls = await db
    .selectFrom('tool_calls')
    .select('id')
    .where('turn_id', '=', id)
    .where('state', '=', 'STARTED')
    .execute()
  const begun = new Set(calls.map((call) => call.id.slice(id.length + 1)))
  // The messages of a turn are done when it is; one that is done before is what cancelled it.
  const cancel = db.selectFrom('inbox').select('id').where('turn_id', '=', id).where('state', '=', 'DONE')
  const cancelled = (await cancel.executeTakeFirst()) !== undefined
  return { id, sessionId: session_id, inbound, begun, resumes, cancelled }
}

/** The message that started a turn. */
export async function turnMessage(db: Kysely<Tables>, turnId: string): Promise<Inbound> {
  const { body } = await db
    .selectFrom('inbox')
    .select('body')
    .where('turn_id', '=', turnId)
    .orderBy('id')
    .limit(1)
    .executeTakeFirstOrThrow()
  return JSON.parse(body) as Inbound
}

const TURN_STATES = { stop: 'STOPPED', aborted: 'ABORTED', limit: 'FAILED', error: 'FAILED' } as const

const TITLE_CHARS = 60

/** Sessions that are not between a person and the agent have none, and so stand in no list. */
function titleOf({ text, work }: Inbound): string {
  if (work !== undefined) return ''
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line.length > TITLE_CHARS ? `${line.slice(0, TITLE_CHARS - 1)}…` : line
}

function waiting(db: Kysely<Tables>, sessionId: string) {
  return (
    db
      .selectFrom('inbox')
      .select(['id', 'body'])
      .where('session_id', '=', sessionId)
      // Written out, for a partial index serves no parameter.
      .where(sql<boolean>`state = 'WAITING'`)
      .orderBy('id')
  )
}

async function take(transaction: Transaction, inboxId: string, turnId: string): Promise<void> {
  await transaction.updateTable('inbox').set({ state: 'TAKEN', turn_id: turnId }).where('id', '=', inboxId).execute()
}

function userMessage(inbound: Inbound): Message {
  const others = inbound.work?.untrusted ?? inbound.sources ?? []
  return { role: 'user', parts: mixedText(inbound.text, senderProvenance(inbound), others) }
}
