import { type Kysely, sql } from 'kysely'
import type { Said } from '../domain/said.ts'
import type { Tables } from './tables.ts'

/**
 * What was said with these words, the best first: in this session, and, when nobody but the owner ever wrote in it,
 * in the owner's other sessions of which the same is true. So the words of one person never show to another; and a
 * session in which somebody else wrote has its id for a title, for the title may be that person's words.
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
  const { rows } = await sql<Said>`
    SELECT said.at AS at, said.session_id AS "sessionId", said.by AS by,
      CASE WHEN EXISTS (SELECT 1 FROM said others WHERE others.session_id = said.session_id AND others.by = 'person')
        THEN sessions.id ELSE sessions.title END AS title,
      snippet(said_words, 0, '', '', '…', 48) AS text
    FROM said_words JOIN said ON said.id = said_words.rowid JOIN sessions ON sessions.id = said.session_id
    WHERE said_words MATCH ${query} AND (said.session_id = ${sessionId}
      OR (NOT EXISTS (SELECT 1 FROM said others WHERE others.session_id = ${sessionId} AND others.by = 'person')
        AND NOT EXISTS (SELECT 1 FROM said others WHERE others.session_id = said.session_id AND others.by = 'person')))
    ORDER BY said_words.rank, said.at DESC LIMIT ${limit}`.execute(db)
  return rows
}
