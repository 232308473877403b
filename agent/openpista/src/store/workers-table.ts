import type { Migration } from '@openpista/common'

/** A sub-agent with a session of its own; see `workers/`. Times are unix milliseconds. */
export type WorkersTable = {
  id: string
  session_id: string
  name: string
  /** The session and turn that started it; `root_…` those at the top, where the owner is. */
  parent_id: string
  root_id: string
  root_turn: string
  depth: number
  /** Inbound: its task, as it is put into its session. */
  task: string
  /** Names, as JSON. */
  tools: string
  /** Budget, as JSON. */
  budget: string
  state: 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted'
  /** 1: the owner stopped it. */
  stopped: 0 | 1
  report: string | null
  /** Everybody else whose words were in its conversation, as JSON. */
  sources: string | null
  created_at: number
  ended_at: number | null
}

/** Tasks and reports are words of the agent, not of the person whose session they are put into. */
export const workersMigration: Migration = {
  name: 'workers',
  up: `
CREATE TABLE workers (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  parent_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, root_id TEXT NOT NULL, root_turn TEXT NOT NULL,
  depth INTEGER NOT NULL, task TEXT NOT NULL, tools TEXT NOT NULL, budget TEXT NOT NULL, state TEXT NOT NULL,
  stopped INTEGER NOT NULL, report TEXT, sources TEXT, created_at INTEGER NOT NULL, ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX workers_parent ON workers(parent_id);
CREATE INDEX workers_root ON workers(root_id);
CREATE INDEX workers_root_turn ON workers(root_turn);
CREATE INDEX workers_running ON workers(state) WHERE state = 'running';
DROP TRIGGER said_by_user;
CREATE TRIGGER said_by_user AFTER INSERT ON messages WHEN new.role = 'user' BEGIN
  INSERT INTO said(message_id, session_id, by, text, at)
  SELECT new.id, new.session_id,
    CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE inbox.id = new.id AND json_extract(inbox.body, '$.work.kind') IS NOT NULL) THEN 'agent'
      WHEN json_extract(new.body, '$.parts[0].provenance.kind') IN ('owner', 'schedule', 'system') THEN 'owner'
      ELSE 'person' END,
    coalesce((SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(new.body, '$.parts')
      WHERE json_extract(value, '$.type') = 'text'), ''), new.created_at;
END;
`,
}
