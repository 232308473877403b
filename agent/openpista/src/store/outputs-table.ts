import type { Migration } from '@openpista/common'
import type { Generated } from 'kysely'

/** What tools gave back, whole, where the conversation holds a part of it. `sources`: whose words, as JSON. */
export type OutputsTable = {
  id: Generated<number>
  session_id: string
  call_id: string
  tool: string
  /** Characters of the whole, counted as JavaScript does. */
  total: number
  sources: string
  created_at: number
}

/** The whole in pieces, so that a part is read without the rest. `start`: its first character's place in the whole. */
export type OutputPiecesTable = { output_id: number; start: number; text: string }

export const outputsMigration: Migration = {
  name: 'outputs',
  up: `
CREATE TABLE outputs (
  id INTEGER PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, call_id TEXT NOT NULL, tool TEXT NOT NULL,
  total INTEGER NOT NULL, sources TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outputs_session ON outputs(session_id, call_id);
CREATE TABLE output_pieces (
  output_id INTEGER NOT NULL REFERENCES outputs(id) ON DELETE CASCADE, start INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (output_id, start)
) STRICT;
`,
}
