import { newId } from '@openpista/common'
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import { type LimitScope, limitScopes, type Spent } from '../domain/limits.ts'
import { costOf, modelInfo, type Usage } from '../domain/model-info.ts'
import type { Transaction } from './store.ts'
import type { Tables } from './tables.ts'

type Answer = { sessionId: string; turnId: string; provider: string; model: string; usage: Usage; at: number }

/** Notes what one answer of a model used. */
export async function recordUsage(transaction: Transaction, answer: Answer): Promise<void> {
  const { sessionId, turnId, provider, model, usage, at } = answer
  await transaction
    .insertInto('usage')
    .values({
      id: newId(),
      session_id: sessionId,
      turn_id: turnId,
      provider,
      model,
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cost: costOf(modelInfo(provider, model), usage),
      created_at: at,
    })
    .execute()
}

/** What a limit is counted over: one turn, one session, and everything since a day began. */
export type UsageKeys = { turn: string; session: string; day: string }

/** What was used, in each scope, by workers too. `dayBegan` is in unix milliseconds. */
export async function usedIn(
  db: Kysely<Tables>,
  { turn, session }: Pick<UsageKeys, 'turn' | 'session'>,
  dayBegan: number,
): Promise<Record<LimitScope, Spent>> {
  const rows = db.selectFrom('usage')
  const workers = (of: 'root_turn' | 'root_id', id: string) =>
    db.selectFrom('workers').select('workers.session_id').where(of, '=', id)
  return {
    turn: await total(
      rows.where((or) => or.or([or('turn_id', '=', turn), or('session_id', 'in', workers('root_turn', turn))])),
    ),
    session: await total(
      rows.where((or) => or.or([or('session_id', '=', session), or('session_id', 'in', workers('root_id', session))])),
    ),
    day: await total(rows.where('created_at', '>=', dayBegan)),
  }
}

async function total(rows: SelectQueryBuilder<Tables, 'usage', object>): Promise<Spent> {
  const { tokens, cost } = await rows
    .select([
      sql<number>`coalesce(sum(input_tokens + output_tokens), 0)`.as('tokens'),
      // As text: a sum of money may be larger than a JavaScript number holds.
      sql<string>`CAST(coalesce(sum(cost), 0) AS TEXT)`.as('cost'),
    ])
    .executeTakeFirstOrThrow()
  return { tokens, cost: BigInt(cost) }
}

/** What a session used, and its workers with theirs. `rounds`: answers of models in the session itself. */
export async function usedBelow(db: Kysely<Tables>, sessionId: string): Promise<Spent & { rounds: number }> {
  const { rows } = await sql<{ rounds: number; tokens: number; cost: string }>`
    WITH RECURSIVE below(id) AS (
      SELECT ${sessionId} UNION SELECT workers.session_id FROM workers JOIN below ON workers.parent_id = below.id
    ) SELECT coalesce(sum(session_id = ${sessionId}), 0) AS rounds, coalesce(sum(input_tokens + output_tokens), 0) AS tokens,
      CAST(coalesce(sum(cost), 0) AS TEXT) AS cost
    FROM usage WHERE session_id IN below`.execute(db)
  const { rounds, tokens, cost } = rows[0]!
  return { rounds, tokens, cost: BigInt(cost) }
}

/** How many times the owner let each limit be exceeded. */
export async function limitGrants(db: Kysely<Tables>, keys: UsageKeys): Promise<Record<LimitScope, number>> {
  const rows = await db
    .selectFrom('limit_grants')
    .selectAll()
    .where((or) => or.or(limitScopes.map((scope) => or.and([or('scope', '=', scope), or('key', '=', keys[scope])]))))
    .execute()
  const times = (scope: LimitScope) => rows.find((row) => row.scope === scope && row.key === keys[scope])?.times ?? 0
  return { turn: times('turn'), session: times('session'), day: times('day') }
}

/** The owner lets a limit be exceeded once more. */
export async function grantLimit(transaction: Transaction, scope: LimitScope, key: string): Promise<void> {
  await sql`INSERT INTO limit_grants (scope, key, times) VALUES (${scope}, ${key}, 1)
    ON CONFLICT (scope, key) DO UPDATE SET times = times + 1`.execute(transaction)
}
