import { type Clock, immediate, newId } from '@openpista/common'
import type { Json, SessionConstraints, SessionView } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import type { SessionIdentity } from '../auth/identity.ts'
import { type SessionTokens, tokenHash } from '../auth/session-tokens.ts'
import { fail } from '../fail.ts'
import { type Renewed, renewSession } from './renew-session.ts'

export type Sessions = {
  create: (input: { agentId: string; ttl: number; constraints: SessionConstraints }) => Promise<{
    id: string
    token: string
    expiresAt: number
    agentId: string
  }>
  /** As `renewSession`. */
  renew: (id: string, caller: SessionIdentity) => Promise<Renewed>
  /** @throws AppError AGENT_NOT_FOUND. */
  list: (agentId: string) => Promise<SessionView[]>
  /** Revoking twice is the same as once. @throws AppError SESSION_NOT_FOUND. */
  revoke: (id: string) => Promise<SessionView>
}

const MAX_ACTIVE_PER_AGENT = 5
const ABSOLUTE_LIFETIME_SECONDS = 30 * 86_400
const MAX_RENEWALS = 30

type SessionRow = Selectable<Tables['sessions']>

export function createSessions(parts: { db: Kysely<Tables>; tokens: SessionTokens; clock: Clock }): Sessions {
  const { db, tokens, clock } = parts
  return {
    create: async ({ agentId, ttl, constraints }) => {
      const now = clock.seconds()
      const id = newId()
      const expiresAt = now + ttl
      const token = await tokens.issue({ sessionId: id, agentId, issuedAt: now, expiresAt })
      await immediate(db, async (transaction) => {
        await assertRoom(transaction, agentId, now)
        await transaction
          .insertInto('sessions')
          .values({
            id,
            agent_id: agentId,
            token_hash: tokenHash(token),
            previous_token_hash: null,
            ttl,
            expires_at: expiresAt,
            absolute_expires_at: now + ABSOLUTE_LIFETIME_SECONDS,
            renewal_count: 0,
            max_renewals: MAX_RENEWALS,
            constraints: JSON.stringify(constraints),
            revoked_at: null,
            created_at: now,
          })
          .execute()
        const data = { sessionId: id, expiresAt, constraints: constraints as Json }
        await appendEvent(transaction, now, { type: 'SESSION_CREATED', actor: 'admin', agentId, data })
      })
      return { id, token, expiresAt, agentId }
    },
    renew: (id, caller) => renewSession(parts, id, caller),
    list: async (agentId) => {
      const agent = await db.selectFrom('agents').select('id').where('id', '=', agentId).executeTakeFirst()
      if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${agentId}.`)
      const rows = await db.selectFrom('sessions').selectAll().where('agent_id', '=', agentId).orderBy('id').execute()
      return rows.map((row) => sessionView(row, clock.seconds()))
    },
    revoke: async (id) => {
      const now = clock.seconds()
      return await immediate(db, async (transaction) => {
        const row = await transaction.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
        if (row === undefined) throw fail('SESSION_NOT_FOUND', `There is no session ${id}.`)
        if (row.revoked_at !== null) return sessionView(row, now)
        await transaction.updateTable('sessions').set({ revoked_at: now }).where('id', '=', id).execute()
        const event = { type: 'SESSION_REVOKED', actor: 'admin', agentId: row.agent_id, data: { sessionId: id } }
        await appendEvent(transaction, now, event)
        return sessionView({ ...row, revoked_at: now }, now)
      })
    },
  }
}

async function assertRoom(transaction: Kysely<Tables>, agentId: string, now: number): Promise<void> {
  const agent = await transaction.selectFrom('agents').select('status').where('id', '=', agentId).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${agentId}.`)
  if (agent.status === 'TERMINATED') throw fail('AGENT_TERMINATED', 'The agent was terminated.')
  const active = await transaction
    .selectFrom('sessions')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('agent_id', '=', agentId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow()
  if (active.count < MAX_ACTIVE_PER_AGENT) return
  throw fail('SESSION_LIMIT_EXCEEDED', `The agent has ${MAX_ACTIVE_PER_AGENT} active sessions already.`)
}

function sessionView(row: SessionRow, now: number): SessionView {
  const over = now >= row.expires_at || now >= row.absolute_expires_at
  return {
    id: row.id,
    agentId: row.agent_id,
    status: row.revoked_at !== null ? 'REVOKED' : over ? 'EXPIRED' : 'ACTIVE',
    renewalCount: row.renewal_count,
    maxRenewals: row.max_renewals,
    expiresAt: row.expires_at,
    absoluteExpiresAt: row.absolute_expires_at,
    createdAt: row.created_at,
    constraints: JSON.parse(row.constraints),
  }
}
