import { newId } from '@openpista/common'
import { sql } from 'kysely'
import type { Decision, Inbound } from '../channels/channel.ts'
import type { ToolCall } from '../domain/message.ts'
import { isTrusted, senderProvenance } from '../domain/provenance.ts'
import { sourceView } from '../domain/source-view.ts'
import { Card, type HistoryItem, type SessionFrame, type SessionView } from '../protocol/index.ts'
import type { Sessions } from '../sessions.ts'
import { conversation } from '../store/conversation.ts'
import type { Store, Transaction } from '../store/store.ts'
import { workerSessions } from '../store/workers.ts'
import type { PaymentDesk } from './announcer.ts'
import type { HumanApprover } from './human-approver.ts'
import type { LogBook, NewSession } from './log-book.ts'

/** What a client gets when it opens a session: the history up to `seq`, then `frames`; or `frames` alone. */
export type Opening = {
  seq: number
  running: boolean
  history: HistoryItem[] | undefined
  frames: SessionFrame[]
}

/**
 * The middle of everything: messages in, sessions out. Whoever calls it has made sure who speaks: live clients are the
 * owner's, other channels come in by the door.
 */
export type Gateway = {
  /** The owner's answer to a card. False: it cannot be answered so, or is closed. */
  answer: (sessionId: string, cardId: string, decision: Decision, by: string) => Promise<boolean>
  /** Stops what runs there. */
  cancel: (sessionId: string) => Promise<void>
  /** Stores a message for the session that the caller chose, then resolves. */
  admitTo: (session: NewSession, inbound: Inbound) => Promise<{ sessionId: string; duplicate: boolean }>
  list: () => Promise<SessionView[]>
  /** `undefined` when there is no such session. `lastSeq`: what the client has seen. */
  open: (sessionId: string, lastSeq: number | undefined) => Promise<Opening | undefined>
  remove: (sessionId: string) => Promise<void>
}

export type GatewayParts = {
  store: Store
  book: LogBook
  sessions: Sessions
  person: HumanApprover
  desk: PaymentDesk
  /** One line for a person about a tool call. */
  summary: (call: ToolCall) => string
  now: () => number
}

/** More frames than this are not sent again one by one. */
const MAX_REPLAY = 2_000

export function createGateway(parts: GatewayParts): Gateway {
  const { store, book, sessions, person, desk, now } = parts

  /** The row first, then the word to the platform, then the work. */
  async function admitTo(session: NewSession, inbound: Inbound) {
    const sender = senderProvenance(inbound)
    const cancels = inbound.text.trim() === '/cancel' && (isTrusted(sender) || sessions.isFor(session.id, sender))
    const log = await book.open(session)
    const storing = log.commit(async (transaction) => {
      if (!(await insertInbound(transaction, session.id, inbound, { cancels, now: now() }))) return true
      const { id: messageId, text } = inbound
      const source = sourceView(sender)
      log.append({ type: 'message.stored', messageId, text, source })
      return false
    })
    // Woken before the row is on disk, the turn begins in the transaction that stores the row.
    const [duplicate] = await Promise.all([storing, cancels ? undefined : sessions.wake(session.id)])
    if (cancels && !duplicate) await (isTrusted(sender) ? sessions.cancel : sessions.cancelTurn)(session.id)
    return { sessionId: session.id, duplicate }
  }

  return {
    admitTo,
    cancel: (sessionId) => sessions.cancel(sessionId),

    answer: async (sessionId, cardId, decision, by) => {
      if (person.answer(sessionId, cardId, decision, by)) return true
      if (decision !== 'reject' || !(await isOpenPayment(store, sessionId, cardId))) return false
      return (await desk.reject(cardId)).ok
    },

    list: async () => {
      const rows = await store.db
        .selectFrom('sessions')
        .select(['id', 'title', 'channel', 'updated_at'])
        .where('title', '<>', '')
        .orderBy('updated_at', 'desc')
        .limit(200)
        .execute()
      return rows.map(({ id, title, channel, updated_at }) => ({ id, title, channel, updatedAt: updated_at }))
    },

    open: async (sessionId, lastSeq) => {
      const log = await book.find(sessionId)
      if (log === undefined) return undefined
      await log.commit(async () => {})
      const running = sessions.running(sessionId)
      return await store.write((transaction) => readOpening(transaction, sessionId, lastSeq, running, parts.summary))
    },

    remove: async (sessionId) => {
      for (const id of [...(await workerSessions(store.db, sessionId)), sessionId]) {
        await sessions.forget(id)
        await book.remove(id)
      }
    },
  }
}

/** Answers whether the message is new. */
async function insertInbound(
  transaction: Transaction,
  sessionId: string,
  inbound: Inbound,
  { cancels, now }: { cancels: boolean; now: number },
): Promise<boolean> {
  // What cancels is stored with the turn that it ends, so that a start after a crash knows of it.
  const running = sql<string | null>`(SELECT id FROM turns WHERE session_id = ${sessionId} AND state = 'RUNNING')`
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('inbox')
    .values({
      id: newId(),
      channel: inbound.channel,
      // No chat's name can end in the id of another's message.
      platform_id: `${inbound.chat.replace(/[%/]/g, encodeURIComponent)}/${inbound.id}`,
      session_id: sessionId,
      body: JSON.stringify(inbound),
      state: cancels ? 'DONE' : 'WAITING',
      turn_id: cancels ? running : null,
      created_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

async function isOpenPayment(store: Store, sessionId: string, cardId: string): Promise<boolean> {
  const row = await store.db
    .selectFrom('cards')
    .select('body')
    .where('id', '=', cardId)
    .where('session_id', '=', sessionId)
    .where('outcome', 'is', null)
    .executeTakeFirst()
  return row !== undefined && Card.parse(JSON.parse(row.body)).kind === 'payment'
}

/** Everything is read in one transaction, so that history and frames meet exactly. */
async function readOpening(
  transaction: Transaction,
  sessionId: string,
  lastSeq: number | undefined,
  running: boolean,
  summary: (call: ToolCall) => string,
): Promise<Opening> {
  const { seq } = await transaction
    .selectFrom('sessions')
    .select('seq')
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  if (lastSeq !== undefined && lastSeq <= seq && seq - lastSeq <= MAX_REPLAY) {
    const frames = await framesAfter(transaction, sessionId, lastSeq)
    if (frames.length === seq - lastSeq) return { seq, running, history: undefined, frames }
  }
  const turn = await openTurn(transaction, sessionId)
  const history = await conversation(transaction, sessionId, summary, turn)
  if (turn === undefined) return { seq, running, history, frames: [] }
  return { seq: turn.seq - 1, running, history, frames: await framesAfter(transaction, sessionId, turn.seq - 1) }
}

async function framesAfter(transaction: Transaction, sessionId: string, seq: number): Promise<SessionFrame[]> {
  const rows = await transaction
    .selectFrom('frames')
    .select('body')
    .where('session_id', '=', sessionId)
    .where('seq', '>', seq)
    .orderBy('seq')
    .execute()
  return rows.map(({ body }) => JSON.parse(body) as SessionFrame)
}

/** The running turn, whose text is in frames only, as long as its first frame is kept. */
async function openTurn(
  transaction: Transaction,
  sessionId: string,
): Promise<{ position: number; seq: number; startedAt: number } | undefined> {
  const turn = await transaction
    .selectFrom('turns')
    .select(['id', 'position'])
    .where('session_id', '=', sessionId)
    .where('state', '=', 'RUNNING')
    .orderBy('id', 'desc')
    .executeTakeFirst()
  if (turn === undefined) return undefined
  const first = await transaction
    .selectFrom('frames')
    .select(['seq', 'created_at'])
    .where('session_id', '=', sessionId)
    .where(sql`json_extract(body, '$.type')`, '=', 'turn.started')
    .where(sql`json_extract(body, '$.turnId')`, '=', turn.id)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return first === undefined ? undefined : { position: turn.position, seq: first.seq, startedAt: first.created_at }
}
