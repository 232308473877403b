import {
  type Facts,
  factsJson,
  readFacts,
  readSubject,
  type Subject,
  subjectJson,
  type Tier,
  type Verdict,
} from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** What the policy said to a transaction, and everything that it depended on. */
export type JudgementRecord = {
  subject: Subject
  facts: Facts
  /** The rules' own verdict: what the session and a missing owner make of it comes on top. */
  verdict: Verdict
  policyVersion: number
  traceHash: string
}

/** A record that was read back. */
export type PastJudgement = {
  transactionId: string
  agentId: string
  at: number
  policyVersion: number
  tier: Tier
  code: string | null
  subject: Subject
  facts: Facts
  traceHash: string
}

/** Call it in the transaction of the judgement. */
export async function recordJudgement(
  db: Kysely<Tables>,
  transaction: { id: string; agent_id: string },
  { subject, facts, verdict, policyVersion, traceHash }: JudgementRecord,
): Promise<void> {
  await insert(db, {
    transaction_id: transaction.id,
    agent_id: transaction.agent_id,
    at: facts.now,
    policy_version: policyVersion,
    tier: verdict.tier,
    code: verdict.code ?? null,
    subject: JSON.stringify(subjectJson(subject)),
    facts: JSON.stringify(factsJson(facts)),
    trace_hash: traceHash,
  })
}

const insert = statement((db, row: Omit<Selectable<Tables['judgements']>, 'id'>) =>
  db.insertInto('judgements').values(row),
)

/** The first judgement of every transaction since then, oldest first. */
export async function firstJudgements(db: Kysely<Tables>, from: number, agentId?: string): Promise<PastJudgement[]> {
  const first = db
    .selectFrom('judgements')
    .select((select) => select.fn.min('id').as('id'))
    .groupBy('transaction_id')
  const query = db.selectFrom('judgements').selectAll().where('id', 'in', first).where('at', '>=', from).orderBy('id')
  const rows = await (agentId === undefined ? query : query.where('agent_id', '=', agentId)).execute()
  return rows.map(readJudgement)
}

/** Every judgement of a transaction, oldest first. */
export async function judgementsOf(db: Kysely<Tables>, transactionId: string): Promise<PastJudgement[]> {
  const query = db.selectFrom('judgements').selectAll().where('transaction_id', '=', transactionId).orderBy('id')
  return (await query.execute()).map(readJudgement)
}

function readJudgement(row: Selectable<Tables['judgements']>): PastJudgement {
  return {
    transactionId: row.transaction_id,
    agentId: row.agent_id,
    at: row.at,
    policyVersion: row.policy_version,
    tier: row.tier,
    code: row.code,
    subject: readSubject(row.subject),
    facts: readFacts(row.facts),
    traceHash: row.trace_hash,
  }
}
