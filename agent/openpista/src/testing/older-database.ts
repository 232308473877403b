import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { openDatabase } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { Message } from '../domain/message.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/store.ts'
import { migrations, type Tables } from '../store/tables.ts'

export const OLD_SESSION = 'web:old'

type Row = Record<string, SQLInputValue>

const AT = 1_760_000_000_000
const owner = { kind: 'owner', channel: 'web' } as const
const json = JSON.stringify

const entry = (position: number, message: Message) => ({
  ...{ id: `message-${position}`, session_id: OLD_SESSION, turn_id: 'turn-1', position, role: message.role },
  ...{ body: json(message), created_at: AT + position },
})

const call = { id: 'call-1', name: 'fs.read', arguments: { path: 'ducks.txt' } }

/**
 * What a program of some time ago may have left: a conversation with a finished turn, and a row of everything else. In
 * an order in which they can be put in.
 */
const rows: Readonly<Record<string, readonly Row[]>> = {
  sessions: [
    {
      ...{ id: OLD_SESSION, channel: 'web', address: json({ chat: 'old' }), title: 'About ducks', model: null },
      ...{ seq: 2, created_at: AT, updated_at: AT },
    },
    {
      ...{ id: 'letters:old', channel: 'letters', address: json({ chat: 'old' }), title: 'Letters', model: null },
      ...{ seq: 0, created_at: AT, updated_at: AT },
    },
  ],
  messages: [
    entry(1, {
      role: 'user',
      parts: [{ type: 'text', text: 'Where are the ducks?', provenance: owner }],
    }),
    entry(2, { role: 'assistant', text: 'I will look.', thinking: [], calls: [call] }),
    entry(3, {
      ...{ role: 'tool', callId: call.id, name: call.name, output: 'in the pond', isError: false, images: [] },
      provenance: { kind: 'file', path: '/ducks.txt' },
    }),
    entry(4, { role: 'assistant', text: 'In the pond.', thinking: [], calls: [] }),
  ],
  inbox: [
    {
      ...{ id: 'message-1', channel: 'web', platform_id: 'old/1', session_id: OLD_SESSION },
      body: json({ channel: 'web', chat: 'old', user: 'old', id: '1', text: 'Where are the ducks?', owner: true }),
      ...{ state: 'DONE', turn_id: 'turn-1', created_at: AT },
    },
  ],
  outbox: [
    {
      ...{ id: 'turn-0', channel: 'letters', session_id: 'letters:old', state: 'DELIVERED', attempts: 1, next_at: AT },
      body: json({ key: 'turn-0', chat: 'old', kind: 'text', text: 'Well.' }),
      ...{ platform_id: '7', error: null, created_at: AT },
    },
  ],
  turns: [
    {
      ...{ id: 'turn-1', session_id: OLD_SESSION, state: 'STOPPED', round: 2, resumes: 0, position: 1 },
      ...{ input_tokens: 10, output_tokens: 20, error: null, created_at: AT, updated_at: AT },
    },
  ],
  tool_calls: [
    {
      ...{ id: 'turn-1/call-1', turn_id: 'turn-1', session_id: OLD_SESSION, name: call.name, state: 'FINISHED' },
      ...{ arguments: json(call.arguments), decided_by: 'rule', output: 'in the pond', is_error: 0 },
      ...{ created_at: AT, updated_at: AT },
    },
  ],
  cards: [
    {
      ...{ id: 'card-1', session_id: OLD_SESSION, turn_id: 'turn-1', outcome: 'approved', decided_by: 'owner:web' },
      body: json({
        ...{ id: 'card-1', kind: 'tool', title: 'fs.read', facts: [], reason: 'It looks at something.', sources: [] },
        ...{ buttons: [{ decision: 'approve', label: 'Approve' }], expiresAt: AT / 1000 },
      }),
      ...{ created_at: AT, updated_at: AT },
    },
  ],
  frames: [1, 2].map((seq) => ({
    ...{ session_id: OLD_SESSION, seq, created_at: AT },
    body: json({ type: 'notice', text: `frame ${seq}`, tone: 'info', sessionId: OLD_SESSION, seq }),
  })),
  settings: [{ key: 'some setting', value: 'on' }],
  usage: [
    {
      ...{ id: 'usage-1', session_id: OLD_SESSION, turn_id: 'turn-1', provider: 'openai', model: 'gpt-4o' },
      ...{ input_tokens: 10, output_tokens: 20, cost: 123_456_789_012_345n, created_at: AT },
    },
  ],
  limit_grants: [{ scope: 'session', key: OLD_SESSION, times: 1 }],
  summaries: [{ session_id: 'letters:old', position: 9, text: 'They spoke.', sources: '[]', created_at: AT }],
  schedules: [
    {
      ...{ name: 'morning', at: '0 8 * * *', zone: 'UTC', text: 'What is new?', missed: 'skip', source: 'owner' },
      target: json({ id: OLD_SESSION, channel: 'web', address: { chat: 'old' } }),
      next_at: Date.UTC(2100, 0, 1),
    },
  ],
  outputs: [
    {
      ...{ id: 1, session_id: OLD_SESSION, call_id: call.id, tool: call.name, total: 11, created_at: AT },
      sources: json([{ kind: 'file', path: '/ducks.txt' }]),
    },
  ],
  output_pieces: [{ output_id: 1, start: 0, text: 'in the pond' }],
  senders: [{ channel: 'letters', user: 'eve', role: 'person', created_at: AT }],
  pairing_requests: [
    { channel: 'letters', user: 'bob', code: 'ABCD-EFGH', state: 'WAITING', told_at: AT, expires_at: AT + 1 },
  ],
  skills: [{ name: 'ducks', approved_hash: 'aa', seen_hash: 'aa', updated_at: AT }],
  skill_files: [{ name: 'ducks', path: 'SKILL.md', content: Buffer.from('# Ducks') }],
  workers: [
    {
      ...{ id: 'worker-1', session_id: 'worker:old', name: 'looker', parent_id: OLD_SESSION, root_id: OLD_SESSION },
      ...{ root_turn: 'turn-1', depth: 1, task: '{}', tools: '[]', budget: '{}', state: 'done', stopped: 0 },
      ...{ report: 'Ducks.', sources: '[]', created_at: AT, ended_at: AT },
    },
  ],
}

/** Makes the database that a program with the first `version` migrations would have left, with a row in every table. */
export async function buildOlderDatabase(path: string, version: number): Promise<void> {
  const older = await openDatabase<Tables>({ path, migrations: migrations.slice(0, version), synchronous: 'FULL' })
  const db = older.kysely as unknown as Kysely<Record<string, Row>>
  const filled = dumpDatabase(path)
  for (const [table, all] of Object.entries(rows)) {
    if (filled[table] !== undefined) for (const row of all) await db.insertInto(table).values(row).execute()
  }
  const entry = { type: 'tool.started', sessionId: OLD_SESSION, data: { tool: 'fs.read' } }
  await appendAudit(db as unknown as Transaction, AT, entry)
  await older.close()
}

/** Every row of every table, in order, without those of the index over words, which are its own. */
export function dumpDatabase(path: string): Record<string, Row[]> {
  const database = new DatabaseSync(path, { readOnly: true, readBigInts: true })
  try {
    const tables = database
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'said*'",
      )
      .all()
    return Object.fromEntries(
      tables.map(({ name }) => [String(name), database.prepare(`SELECT * FROM ${name}`).all() as Row[]]),
    )
  } finally {
    database.close()
  }
}
