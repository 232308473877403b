import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Said } from '../domain/said.ts'
import type { Store, Transaction } from './store.ts'
import type { Tables } from './tables.ts'

/** So many messages are indexed at once, for nothing else is written meanwhile. */
const BATCH = 2_000

/**
 * What was said with these words, the best first: in this session, and, when nobody but the owner ever wrote in it,
 * in the owner's other sessions of which the same is true. So the words of one person never show to another; and a
 * session in which somebody else wrote has its id for a title, for the title may be that person's words. Whoever
 * wrote in a session wrote in those of its workers, for their reports are read there.
 */
export async function searchSaid(
  store: Store,
  sessionId: string,
  words: readonly string[],
  limit: number,
): Promise<Said[]> {
  for (;;) {
    const found = await store.write(async (transaction) =>
      (await indexSome(transaction)) ? undefined : await search(transaction, sessionId, words, limit),
    )
    if (found !== undefined) return found
  }
}

async function search(db: Kysely<Tables>, sessionId: string, words: readonly string[], limit: number): Promise<Said[]> {
  const every = words.map((word) => `"${word.replaceAll('"', '""')}"*`)
  const found = await matching(db, sessionId, every.join(' AND '), limit)
  return found.length > 0 || words.length < 2 ? found : await matching(db, sessionId, every.join(' OR '), limit)
}

/** Indexes the oldest messages that are not yet indexed; answers whether there may be more. */
async function indexSome(transaction: Transaction): Promise<boolean> {
  const { rows } = await sql<{ from: number; to: number | null; messages: number }>`
    SELECT upto AS "from", max(id) AS "to", count(id) AS messages
    FROM said_mark LEFT JOIN (SELECT rowid AS id FROM messages
      WHERE rowid > (SELECT upto FROM said_mark) ORDER BY rowid LIMIT ${BATCH})`.execute(transaction)
  const { from, to, messages } = rows[0]!
  if (to === null) return false
  await sql`
    INSERT OR IGNORE INTO said(message_id, session_id, by, text, at)
    SELECT id, session_id, 'agent', json_extract(body, '$.text'), created_at FROM messages
      WHERE rowid > ${from} AND rowid <= ${to} AND role = 'assistant' AND json_extract(body, '$.text') <> ''
    UNION ALL
    SELECT id, session_id,
      CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE inbox.id = messages.id AND json_extract(inbox.body, '$.work.kind') IS NOT NULL)
        THEN 'agent' ELSE CASE json_extract(body, '$.parts[0].provenance.kind')
          WHEN 'owner' THEN 'owner' WHEN 'schedule' THEN 'owner' WHEN 'system' THEN 'owner' WHEN 'person' THEN 'person' ELSE 'agent' END END,
      coalesce((SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(body, '$.parts')
        WHERE json_extract(value, '$.type') = 'text'), ''), created_at FROM messages
      WHERE rowid > ${from} AND rowid <= ${to} AND role = 'user'`.execute(transaction)
  await sql`UPDATE said_mark SET upto = ${to}`.execute(transaction)
  return messages === BATCH
}

async function matching(db: Kysely<Tables>, sessionId: string, query: string, limit: number): Promise<Said[]> {
  const shared = (session: RawBuilder<unknown>) => sql`EXISTS (SELECT 1 FROM sessions others WHERE others.shared
    AND others.id IN (${session}, (SELECT root_id FROM workers WHERE workers.session_id = ${session})))`
  const { rows } = await sql<Said>`
    SELECT said.at AS at, said.session_id AS "sessionId", said.by AS by,
      CASE WHEN ${shared(sql`said.session_id`)} OR sessions.title = '' THEN sessions.id ELSE sessions.title END AS title,
      snippet(said_words, 0, '', '', '…', 48) AS text
    FROM said_words JOIN said ON said.id = said_words.rowid JOIN sessions ON sessions.id = said.session_id
    WHERE said_words MATCH ${query} AND (said.session_id = ${sessionId}
      OR (NOT ${shared(sql`${sessionId}`)} AND NOT ${shared(sql`said.session_id`)}))
    ORDER BY said_words.rank, said.at DESC LIMIT ${limit}`.execute(db)
  return rows
}
