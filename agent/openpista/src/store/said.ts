import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Said } from '../domain/said.ts'
import type { Tables } from './tables.ts'

/**
 * What was said with these words, the best first: in this session, and, when nobody but the owner ever wrote in it,
 * in the owner's other sessions of which the same is true. So the words of one person never show to another; and a
 * session in which somebody else wrote has its id for a title, for the title may be that person's words. Whoever
 * wrote in a session wrote in those of its workers, for their reports are read there.
 */
export async function searchSaid(
  db: Kysely<Tables>,
  sessionId: string,
  words: readonly string[],
  limit: number,
): Promise<Said[]> {
  const every = words.map((word) => `"${word.replaceAll('"', '""')}"*`)
  const found = await matching(db, sessionId, every.join(' AND '), limit)
  return found.length > 0 || words.length < 2 ? found : await matching(db, sessionId, every.join(' OR '), limit)
}

async function matching(db: Kysely<Tables>, sessionId: string, query: string, limit: number): Promise<Said[]> {
  const shared = (session: RawBuilder<unknown>) => sql`EXISTS (SELECT 1 FROM said others WHERE others.by = 'person'
    AND others.session_id IN (${session}, (SELECT root_id FROM workers WHERE workers.session_id = ${session})))`
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
