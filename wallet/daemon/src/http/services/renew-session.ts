import { type Clock, immediate } from '@openpista/common'
import type { Kysely, Selectable } from 'kysely'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import type { SessionIdentity } from '../auth/identity.ts'
import { type SessionTokens, tokenHash } from '../auth/session-tokens.ts'
import { fail } from '../fail.ts'

export type Renewed = { id: string; token: string; expiresAt: number; renewalCount: number }

type SessionRow = Selectable<Tables['sessions']>

/**
 * Exchanges a session's token for a new one with the same lifetime, never beyond the session's absolute end.
 * The old token is dead when it resolves. Of several at once one wins.
 *
 * @throws AppError by the first guard that refuses: SESSION_NOT_FOUND, RENEWAL_CONFLICT or
 * SESSION_RENEWAL_MISMATCH, RENEWAL_LIMIT_REACHED, SESSION_ABSOLUTE_LIFETIME_EXCEEDED, RENEWAL_TOO_EARLY.
 */
export async function renewSession(
  parts: { db: Kysely<Tables>; tokens: SessionTokens; clock: Clock },
  id: string,
  caller: SessionIdentity,
): Promise<Renewed> {
  const { db, tokens, clock } = parts
  if (caller.sessionId !== id) throw fail('SESSION_NOT_FOUND', `There is no session ${id}.`)
  const row = await db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const now = clock.seconds()
  const expiresAt = guard(row, caller, now)
  const token = await tokens.issue({ sessionId: id, agentId: row.agent_id, issuedAt: now, expiresAt })
  return await immediate(db, async (transaction) => {
    const renewalCount = row.renewal_count + 1
    const changed = await transaction
      .updateTable('sessions')
      .set({
        token_hash: tokenHash(token),
        previous_token_hash: row.token_hash,
        expires_at: expiresAt,
        renewal_count: renewalCount,
      })
      .where('id', '=', id)
      .where('token_hash', '=', row.token_hash)
      .where('renewal_count', '=', row.renewal_count)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (changed.numUpdatedRows !== 1n) throw conflict()
    const data = { sessionId: id, expiresAt, renewalCount }
    const event = { type: 'SESSION_RENEWED', actor: `session:${id}`, agentId: row.agent_id, data }
    await appendEvent(transaction, now, event)
    return { id, token, expiresAt, renewalCount }
  })
}

/** @returns when the new token expires. */
function guard(row: SessionRow, caller: SessionIdentity, now: number): number {
  if (row.previous_token_hash === caller.presentedHash && row.token_hash !== caller.presentedHash) throw conflict()
  if (row.token_hash !== caller.presentedHash) {
    throw fail('SESSION_RENEWAL_MISMATCH', 'This is not the current token of the session.')
  }
  if (row.renewal_count >= row.max_renewals) {
    throw fail('RENEWAL_LIMIT_REACHED', `The session was renewed ${row.max_renewals} times, which is the most.`)
  }
  if (row.expires_at >= row.absolute_expires_at) {
    throw fail('SESSION_ABSOLUTE_LIFETIME_EXCEEDED', 'The session already lasts until its absolute end.')
  }
  const earliest = row.expires_at - Math.floor(row.ttl / 2)
  // A token of a key that is on its way out would die before its time, so it may be exchanged at once.
  if (now < earliest && !caller.retiring) {
    throw fail('RENEWAL_TOO_EARLY', 'The session is renewed after half of its lifetime.', {
      details: { retryAfterSeconds: earliest - now },
    })
  }
  return Math.min(now + row.ttl, row.absolute_expires_at)
}

function conflict() {
  return fail('RENEWAL_CONFLICT', 'Another call has renewed this session.')
}
