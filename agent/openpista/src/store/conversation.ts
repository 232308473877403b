import { newId } from '@openpista/common'
import { type Kysely, sql } from 'kysely'
import type { Inbound } from '../channels/channel.ts'
import type { Context, Summary } from '../domain/compaction.ts'
import type { Message, ToolCall } from '../domain/message.ts'
import { type Provenance, senderProvenance } from '../domain/provenance.ts'
import { sourceView } from '../domain/source-view.ts'
import { Card, CardOutcome, type HistoryItem } from '../protocol/index.ts'
import type { Transaction } from './store.ts'
import type { Tables } from './tables.ts'

export type Notice = { text: string; tone: 'info' | 'success' | 'warning' | 'error' }

type NewEntry = { id?: string; sessionId: string; turnId: string | null; at: number }

/** Adds a message at the end of a session's conversation. */
export async function appendMessage(transaction: Transaction, entry: NewEntry, message: Message): Promise<void> {
  await appendRow(transaction, entry, message.role, message)
  // Texts that the agent wrote for itself, for a schedule or a worker, are nobody's presence.
  if (message.role !== 'user' || message.parts[0]?.provenance.kind !== 'person') return
  await transaction.updateTable('sessions').set({ shared: 1 }).where('id', '=', entry.sessionId).execute()
}

/** Adds a text that people see in the conversation and models do not. */
export async function appendNotice(transaction: Transaction, entry: NewEntry, notice: Notice): Promise<void> {
  await appendRow(transaction, entry, 'notice', notice)
}

/** From here on the conversation starts anew. */
export async function appendClear(transaction: Transaction, entry: NewEntry): Promise<void> {
  await appendRow(transaction, entry, 'clear', {})
}

async function appendRow(transaction: Transaction, entry: NewEntry, role: string, body: unknown): Promise<void> {
  const { id = newId(), sessionId, turnId, at } = entry
  await sql`INSERT INTO messages (id, session_id, turn_id, position, role, body, created_at)
    VALUES (${id}, ${sessionId}, ${turnId},
      (SELECT coalesce(max(position), 0) + 1 FROM messages WHERE session_id = ${sessionId}),
      ${role}, ${JSON.stringify(body)}, ${at})`.execute(transaction)
}

/** What was read of a conversation, and how far: the next reading goes on from there. */
export type ReadContext = Context & { last: number }

/**
 * What a model knows of a conversation: since the last clearing, the summary and the newest messages after it.
 * `known` is an earlier reading of the same session, made with its newest summary; only what came after is read.
 */
export async function readContext(
  db: Kysely<Tables>,
  sessionId: string,
  limit: number,
  known?: ReadContext,
): Promise<ReadContext> {
  const start = known ?? (await readStart(db, sessionId))
  const rows = await db
    .selectFrom('messages')
    .select(['position', 'role', 'body'])
    .where('session_id', '=', sessionId)
    .where('role', '<>', 'notice')
    .where('position', '>', start.last)
    .orderBy('position', 'desc')
    .limit(limit)
    .execute()
  rows.reverse()
  if (known !== undefined && rows.some(({ role }) => role === 'clear')) return await readContext(db, sessionId, limit)
  const added = rows
    .filter(({ role }) => role !== 'clear')
    .map(({ position, body }) => ({ position, message: JSON.parse(body) as Message }))
  const entries = [...start.entries, ...added].slice(-limit)
  return { summary: start.summary, entries, last: rows.at(-1)?.position ?? start.last }
}

/** What is known before any message is read: the newest summary since the last clearing, and where it ends. */
async function readStart(db: Kysely<Tables>, sessionId: string): Promise<ReadContext> {
  const cleared = await db
    .selectFrom('messages')
    .select(({ fn }) => fn.max('position').as('position'))
    .where('session_id', '=', sessionId)
    .where('role', '=', 'clear')
    .executeTakeFirst()
  const start = cleared?.position ?? 0
  const row = await db
    .selectFrom('summaries')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('position', '>', start)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return { summary: undefined, entries: [], last: start }
  const { position, text } = row
  return { summary: { position, text, sources: JSON.parse(row.sources) as Provenance[] }, entries: [], last: position }
}

/** Keeps what a model made of the conversation up to a position. The messages themselves stay. */
export async function storeSummary(
  transaction: Transaction,
  sessionId: string,
  { position, text, sources }: Summary,
  at: number,
): Promise<void> {
  await transaction
    .insertInto('summaries')
    .values({ session_id: sessionId, position, text, sources: JSON.stringify(sources), created_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function recentRows(db: Kysely<Tables>, sessionId: string, limit: number) {
  const cleared = sql<number>`(SELECT coalesce(max(position), 0) FROM messages WHERE session_id = ${sessionId} AND role = 'clear')`
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('position', '>', cleared)
    .orderBy('position', 'desc')
    .limit(limit)
    .execute()
  return rows.reverse()
}

/** Rows of a conversation that a client gets when it opens it. */
const HISTORY_ROWS = 500

/**
 * A session's conversation for a client: what was said, what tools did, cards with their outcome, notices, and the
 * messages that still wait for their turn. Of a running turn only what came before it.
 */
export async function conversation(
  db: Kysely<Tables>,
  sessionId: string,
  summary: (call: ToolCall) => string,
  running: { position: number; startedAt: number } | undefined,
): Promise<HistoryItem[]> {
  const { position, startedAt } = running ?? { position: Number.MAX_SAFE_INTEGER, startedAt: Number.MAX_SAFE_INTEGER }
  const recent = await recentRows(db, sessionId, HISTORY_ROWS)
  const rows = recent.filter((row) => row.position <= position)
  const since = rows[0]?.created_at ?? Number.MAX_SAFE_INTEGER
  const inbox = await db
    .selectFrom('inbox')
    .select(['id', 'body', 'state', 'created_at'])
    .where('session_id', '=', sessionId)
    .where('created_at', '<', startedAt)
    .where((or) => or.or([or('created_at', '>=', since - 60_000), or('state', '=', 'WAITING')]))
    .orderBy('id')
    .execute()
  const cards = await db
    .selectFrom('cards')
    .select(['body', 'outcome', 'created_at'])
    .where('session_id', '=', sessionId)
    .where('created_at', '<', startedAt)
    .where((or) => or.or([or('created_at', '>=', since), or('outcome', 'is', null)]))
    .execute()
  const platformIds = new Map(inbox.map((row) => [row.id, (JSON.parse(row.body) as { id: string }).id]))
  const calls = new Map<string, ToolCall>()
  const last = lastRows(rows)
  const items = rows.flatMap((row) => historyItems(row, calls, platformIds, summary, last))
  const waiting = inbox.filter(({ state }) => state === 'WAITING').map(waitingItem)
  const shown = cards.map(
    ({ body, outcome, created_at }): HistoryItem => ({
      kind: 'card',
      card: Card.parse(JSON.parse(body)),
      ...(outcome === null ? {} : { outcome: CardOutcome.parse(outcome) }),
      at: created_at,
    }),
  )
  return [...items, ...shown].sort((a, b) => a.at - b.at).concat(waiting)
}

function historyItems(
  row: Pick<Tables['messages'], 'id' | 'turn_id' | 'role' | 'body' | 'created_at'>,
  calls: Map<string, ToolCall>,
  platformIds: ReadonlyMap<string, string>,
  summary: (call: ToolCall) => string,
  last: ReadonlySet<string>,
): HistoryItem[] {
  const at = row.created_at
  const turnId = row.turn_id ?? ''
  if (row.role === 'notice') return [{ kind: 'notice', ...(JSON.parse(row.body) as Notice), at }]
  const message = JSON.parse(row.body) as Message
  if (message.role === 'user') return [{ ...userItem(message, platformIds.get(row.id) ?? row.id), at }]
  if (message.role === 'assistant') {
    for (const call of message.calls) calls.set(`${turnId}/${call.id}`, call)
    return message.text === '' ? [] : [{ kind: 'assistant', turnId, text: message.text, at }]
  }
  const call = calls.get(`${turnId}/${message.callId}`) ?? { id: message.callId, name: message.name, arguments: {} }
  const view = { callId: call.id, name: call.name, summary: summary(call), arguments: call.arguments }
  const { shown, output, isError } = message
  const isAnswer = last.has(row.id) ? { isAnswer: true } : {}
  return [{ kind: 'tool', turnId, call: view, output: shown ?? output, isError, ...isAnswer, at }]
}

/** The last row of each turn, besides notices: a tool's output that nothing was said about is the answer itself. */
function lastRows(rows: readonly Pick<Tables['messages'], 'id' | 'turn_id' | 'role'>[]): Set<string> {
  const last = new Map(rows.flatMap(({ id, turn_id, role }) => (role === 'notice' ? [] : [[turn_id, id] as const])))
  return new Set(last.values())
}

function userItem(message: Extract<Message, { role: 'user' }>, messageId: string) {
  const first = message.parts[0]?.provenance ?? { kind: 'system' as const }
  const text = message.parts.map((part) => (part.type === 'text' ? part.text : '[image]')).join('\n')
  return { kind: 'user' as const, messageId, text, source: sourceView(first) }
}

function waitingItem(row: { body: string; created_at: number }): HistoryItem {
  const inbound = JSON.parse(row.body) as Inbound
  const source = sourceView(senderProvenance(inbound))
  return { kind: 'user', messageId: inbound.id, text: inbound.text, source, at: row.created_at }
}
