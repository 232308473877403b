import type { Migration } from '@openpista/common'
import type { Generated } from 'kysely'
import { type OutputPiecesTable, type OutputsTable, outputsMigration } from './outputs-table.ts'
import { saidMarkMigration, saidMigration } from './said-table.ts'
import { scheduleSourcesMigration } from './schedule-sources-table.ts'
import { type PairingRequestsTable, type SendersTable, sendersMigration } from './senders-table.ts'
import { type WorkersTable, workersMigration } from './workers-table.ts'

/** Times are unix milliseconds; JSON in TEXT. */
export type Tables = {
  sessions: {
    id: string
    channel: string
    /** Where answers go on that channel: `{chat, thread?}`. */
    address: string
    title: string
    model: string | null
    /** Highest frame number given out. */
    seq: number
    /** Somebody else than the owner wrote in it. */
    shared: Generated<0 | 1>
    created_at: number
    updated_at: number
  }
  /**
   * The conversation, in order. `body` is a domain Message; with role `notice` a text for people only, and with role
   * `clear` nothing: what stands before it is neither shown nor sent to a model.
   */
  messages: {
    id: string
    session_id: string
    turn_id: string | null
    position: number
    role: string
    body: string
    created_at: number
  }
  /** Unique on (channel, platform_id), which is `<chat>/<id of the message>`: a redelivered message is taken once. */
  inbox: {
    id: string
    channel: string
    platform_id: string
    session_id: string
    /** Inbound as received. */
    body: string
    state: 'WAITING' | 'TAKEN' | 'DONE'
    turn_id: string | null
    created_at: number
  }
  outbox: {
    id: string
    channel: string
    session_id: string
    body: string
    state: 'WAITING' | 'DELIVERED' | 'FAILED'
    attempts: number
    next_at: number
    platform_id: string | null
    error: string | null
    created_at: number
  }
  turns: {
    id: string
    session_id: string
    state: 'RUNNING' | 'STOPPED' | 'FAILED' | 'ABORTED'
    round: number
    /** How often a start of the program found it open and went on with it. */
    resumes: number
    /** Messages up to this position are history; what the turn adds after it is in frames too. */
    position: number
    input_tokens: number
    output_tokens: number
    error: string | null
    created_at: number
    updated_at: number
  }
  /** Side effects are recorded before they start and after they end. */
  tool_calls: {
    /** `<turn>/<call>`. */
    id: string
    turn_id: string
    session_id: string
    name: string
    arguments: string
    state: 'ASKED' | 'STARTED' | 'FINISHED' | 'DENIED' | 'INTERRUPTED'
    decided_by: string | null
    output: string | null
    is_error: 0 | 1 | null
    created_at: number
    updated_at: number
  }
  cards: {
    id: string
    session_id: string
    turn_id: string | null
    body: string
    outcome: string | null
    decided_by: string | null
    created_at: number
    updated_at: number
  }
  /** Numbered frames of each session, for clients that reconnect. Old ones are dropped once in `messages`. */
  frames: { session_id: string; seq: number; body: string; created_at: number }
  /** Hash-chained log of tool calls, decisions and their arguments. */
  audit: {
    seq: Generated<number>
    at: number
    type: string
    session_id: string | null
    data: string
    previous_hash: string
    hash: string
  }
  settings: { key: string; value: string }
  /** One row for each answer of a model. `cost` is in 10^-12 US dollars, null where no price is known. */
  usage: {
    id: string
    session_id: string
    turn_id: string
    provider: string
    model: string
    input_tokens: number
    output_tokens: number
    cost: bigint | null
    created_at: number
  }
  /** How many times the owner let a limit be exceeded by as much again; `key` is the turn, session or day. */
  limit_grants: { scope: string; key: string; times: number }
  /** What is said at given times. `at` is the schedule's own text; `next_at` null: never again. */
  schedules: {
    name: string
    at: string
    zone: string
    text: string
    missed: 'once' | 'skip'
    source: 'config' | 'owner'
    /** ScheduleTarget. */
    target: string
    next_at: number | null
    /** Everybody else whose words were in the session that it was made in, as JSON. */
    sources: string
  }
  /**
   * Skills that the owner looked at: the hash of the state that he approved, and of the one that he was shown last.
   * `skill_files` holds the approved one.
   */
  skills: { name: string; approved_hash: string | null; seen_hash: string; updated_at: number }
  skill_files: { name: string; path: string; content: Uint8Array }
  workers: WorkersTable
  senders: SendersTable
  pairing_requests: PairingRequestsTable
  outputs: OutputsTable
  output_pieces: OutputPiecesTable
  /** What a model made of the conversation up to a position. `sources`: the untrusted provenances in it. */
  summaries: { session_id: string; position: number; text: string; sources: string; created_at: number }
}

export const migrations: readonly Migration[] = [
  {
    name: 'first',
    up: `
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, address TEXT NOT NULL, title TEXT NOT NULL, model TEXT, seq INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, turn_id TEXT, position INTEGER NOT NULL,
  role TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (session_id, position)
) STRICT;
CREATE TABLE inbox (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, platform_id TEXT NOT NULL, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  body TEXT NOT NULL, state TEXT NOT NULL, turn_id TEXT, created_at INTEGER NOT NULL, UNIQUE (channel, platform_id)
) STRICT;
CREATE INDEX inbox_turn ON inbox(turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX inbox_open ON inbox(session_id, id) WHERE state <> 'DONE';
CREATE TABLE outbox (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, session_id TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL, platform_id TEXT, error TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_open ON outbox(session_id) WHERE state = 'WAITING';
CREATE TABLE turns (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, state TEXT NOT NULL, round INTEGER NOT NULL, resumes INTEGER NOT NULL, position INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, error TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_open ON turns(session_id) WHERE state = 'RUNNING';
CREATE TABLE tool_calls (
  id TEXT PRIMARY KEY, turn_id TEXT NOT NULL REFERENCES turns(id) ON DELETE CASCADE, session_id TEXT NOT NULL, name TEXT NOT NULL,
  arguments TEXT NOT NULL, state TEXT NOT NULL, decided_by TEXT, output TEXT, is_error INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tool_calls_turn ON tool_calls(turn_id);
CREATE TABLE cards (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, turn_id TEXT, body TEXT NOT NULL, outcome TEXT,
  decided_by TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cards_open ON cards(session_id) WHERE outcome IS NULL;
CREATE TABLE frames (
  session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, seq INTEGER NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, session_id TEXT, data TEXT NOT NULL,
  previous_hash TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`,
  },
  {
    name: 'usage, limits and summaries',
    up: `
CREATE TABLE usage (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL, turn_id TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost INTEGER, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_time ON usage(created_at, input_tokens, output_tokens, cost);
CREATE INDEX usage_session ON usage(session_id, input_tokens, output_tokens, cost);
CREATE INDEX usage_turn ON usage(turn_id, input_tokens, output_tokens, cost);
CREATE TABLE limit_grants (
  scope TEXT NOT NULL, key TEXT NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE summaries (
  session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, position INTEGER NOT NULL, text TEXT NOT NULL,
  sources TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (session_id, position)
) STRICT;
`,
  },
  saidMigration,
  {
    name: 'schedules',
    up: `
CREATE TABLE schedules (
  name TEXT PRIMARY KEY, at TEXT NOT NULL, zone TEXT NOT NULL, text TEXT NOT NULL, missed TEXT NOT NULL, source TEXT NOT NULL,
  target TEXT NOT NULL, next_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_next ON schedules(next_at) WHERE next_at IS NOT NULL;
`,
  },
  {
    name: 'skills',
    up: `
CREATE TABLE skills (name TEXT PRIMARY KEY, approved_hash TEXT, seen_hash TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE skill_files (
  name TEXT NOT NULL REFERENCES skills(name) ON DELETE CASCADE, path TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (name, path)
) STRICT, WITHOUT ROWID;
`,
  },
  workersMigration,
  sendersMigration,
  scheduleSourcesMigration,
  saidMarkMigration,
  outputsMigration,
]
