import { type Kysely, sql } from 'kysely'
import type { KeepOutput, OutputPart, ReadOutput } from '../domain/kept-output.ts'
import type { Message } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { Store, Transaction } from './store.ts'
import type { Tables } from './tables.ts'

/** How much is kept over all sessions. What is older or more goes with the next output that is kept, oldest first. */
export type OutputLimits = { days: number; chars: number }

export const OUTPUT_LIMITS: OutputLimits = { days: 30, chars: 256 * 1024 * 1024 }

const PIECE_CHARS = 64 * 1024

/** What tools gave back, whole: kept, and read by parts. */
export function createOutputs(
  store: Store,
  now: () => number,
  limits: OutputLimits,
): { keep: KeepOutput; read: ReadOutput } {
  return {
    keep: (owner, whole, sources) =>
      store.write(async (transaction) => {
        const { sessionId: session_id, callId: call_id, tool } = owner
        // A session may be deleted while its last tool runs.
        const session = await transaction.selectFrom('sessions').select('id').where('id', '=', session_id).execute()
        if (session.length === 0) return
        const { id } = await transaction
          .insertInto('outputs')
          .values({
            session_id,
            call_id,
            tool,
            total: whole.length,
            sources: JSON.stringify(sources),
            created_at: now(),
          })
          .returning('id')
          .executeTakeFirstOrThrow()
        for (const piece of piecesOf(whole)) {
          await transaction
            .insertInto('output_pieces')
            .values({ output_id: id, ...piece })
            .execute()
        }
        await prune(transaction, now(), limits)
      }),
    read: async (sessionId, callId, range) =>
      (await readKept(store.db, sessionId, callId, range)) ??
      (callId === undefined ? undefined : await readMessage(store.db, sessionId, callId, range)),
  }
}

/** No piece ends within a character. */
function* piecesOf(output: string): Generator<{ start: number; text: string }> {
  const text = output.toWellFormed()
  for (let start = 0; start < text.length; ) {
    const piece = text.slice(start, start + PIECE_CHARS)
    const whole = piece.isWellFormed() ? piece : piece.slice(0, -1)
    yield { start, text: whole }
    start += whole.length
  }
}

async function prune(transaction: Transaction, now: number, { days, chars }: OutputLimits): Promise<void> {
  const oldest = now - days * 24 * 60 * 60_000
  await sql`DELETE FROM outputs WHERE created_at < ${oldest} OR id IN (
    SELECT id FROM (SELECT id, sum(total) OVER (ORDER BY id DESC) AS sofar FROM outputs) WHERE sofar > ${chars}
  )`.execute(transaction)
}

type Range = { offset: number; limit: number }

async function readKept(
  db: Kysely<Tables>,
  sessionId: string,
  callId: string | undefined,
  range: Range,
): Promise<OutputPart | undefined> {
  const rows = db
    .selectFrom('outputs')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where(
      'created_at',
      '>=',
      sql<number>`(SELECT coalesce(max(created_at), 0) FROM messages
      WHERE session_id = ${sessionId} AND role = 'clear')`,
    )
  const row = await (callId === undefined ? rows : rows.where('call_id', '=', callId))
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { start, end } = bounds(range, row.total)
  const pieces = await db
    .selectFrom('output_pieces')
    .select(['start', 'text'])
    .where('output_id', '=', row.id)
    .where(
      'start',
      '>=',
      sql<number>`(SELECT coalesce(max(start), 0) FROM output_pieces
      WHERE output_id = ${row.id} AND start <= ${start})`,
    )
    .where('start', '<', end)
    .orderBy('start')
    .execute()
  const first = pieces[0]?.start ?? 0
  const text = pieces.map((piece) => piece.text).join('')
  const sources = JSON.parse(row.sources) as Provenance[]
  const { call_id, tool, total } = row
  return { callId: call_id, tool, text: text.slice(start - first, end - first), offset: start, total, sources }
}

/** What was not cut stands in the conversation, whole, although a model may have got less of it. */
async function readMessage(
  db: Kysely<Tables>,
  sessionId: string,
  callId: string,
  range: Range,
): Promise<OutputPart | undefined> {
  const row = await db
    .selectFrom('messages')
    .select('body')
    .where('session_id', '=', sessionId)
    .where('role', '=', 'tool')
    .where(
      'position',
      '>',
      sql<number>`(SELECT coalesce(max(position), 0) FROM messages
      WHERE session_id = ${sessionId} AND role = 'clear')`,
    )
    .where(sql`json_extract(body, '$.callId')`, '=', callId)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { output, name, provenance, alsoFrom = [] } = JSON.parse(row.body) as Extract<Message, { role: 'tool' }>
  const { start, end } = bounds(range, output.length)
  const sources = [provenance, ...alsoFrom]
  return { callId, tool: name, text: output.slice(start, end), offset: start, total: output.length, sources }
}

function bounds({ offset, limit }: Range, total: number): { start: number; end: number } {
  const start = Math.min(total, offset < 0 ? Math.max(0, total + offset) : offset)
  return { start, end: Math.min(total, start + limit) }
}
