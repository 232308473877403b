import type { Clock } from '@openpista/common'
import type { Authentication, Credential, ErrorCode, RouteName } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { bearerToken } from '../request-headers.ts'
import type { Identity } from './identity.ts'
import { ADMIN_PREFIX, type MasterAuth } from './master-auth.ts'
import type { OwnerAuth } from './owner-auth.ts'
import { SESSION_PREFIX, type SessionTokens, tokenHash } from './session-tokens.ts'

/** The parts of a request that can prove who is calling. */
export type Claim = { headers: Headers; source: string; route: RouteName; resourceId: string | undefined }

export type Authenticate = (accepted: Authentication, claim: Claim) => Promise<Identity>

/**
 * Proves the caller by the one credential that the request carries, if the route accepts its kind.
 * What the request does not carry is never looked for elsewhere, and there is no fallback.
 *
 * @throws AppError with a 401 code, or MASTER_PASSWORD_LOCKED.
 */
export function createAuthenticate(parts: {
  db: Kysely<Tables>
  clock: Clock
  master: MasterAuth
  owner: OwnerAuth
  tokens: SessionTokens
}): Authenticate {
  const checks: Record<Credential, (claim: Claim) => Promise<Identity>> = {
    master: async ({ headers, source }) => {
      const password = headers.get('x-master-password')
      if (password === null) return { kind: 'master', tokenHash: await parts.master.checkToken(bearerToken(headers)!) }
      await parts.master.checkPassword(password, source)
      return { kind: 'master', tokenHash: null }
    },
    session: ({ headers }) => checkSession(parts, bearerToken(headers)!),
    owner: (claim) => parts.owner.check(claim),
  }
  return async (accepted, claim) => {
    if (accepted === 'public') return { kind: 'public' }
    const carried = credentialOf(claim.headers)
    if (carried === undefined || !accepted.includes(carried)) {
      throw fail(missing[accepted[0]], `This call needs ${accepted.map((kind) => wording[kind]).join(' or ')}.`)
    }
    return await checks[carried](claim)
  }
}

const wording: Record<Credential, string> = {
  master: 'an operator token (Authorization: Bearer wai_admin_…)',
  session: 'a session token (Authorization: Bearer wai_sess_…)',
  owner: "the owner's signature (X-Owner-Address, X-Owner-Message, X-Owner-Signature)",
}

const missing: Record<Credential, ErrorCode> = {
  master: 'INVALID_TOKEN',
  session: 'INVALID_TOKEN',
  owner: 'INVALID_SIGNATURE',
}

function credentialOf(headers: Headers): Credential | undefined {
  if (headers.has('x-owner-signature')) return 'owner'
  if (headers.has('x-master-password')) return 'master'
  const token = bearerToken(headers)
  if (token?.startsWith(SESSION_PREFIX)) return 'session'
  if (token?.startsWith(ADMIN_PREFIX)) return 'master'
  return undefined
}

async function checkSession(
  parts: { db: Kysely<Tables>; clock: Clock; tokens: SessionTokens },
  token: string,
): Promise<Identity> {
  const now = parts.clock.seconds()
  const { sessionId, agentId } = await parts.tokens.read(token, now)
  const row = await parts.db
    .selectFrom('sessions')
    .select(['agent_id', 'token_hash', 'expires_at', 'absolute_expires_at', 'revoked_at'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (row === undefined || row.agent_id !== agentId) throw fail('INVALID_TOKEN', 'The session token is not valid.')
  if (row.revoked_at !== null) throw fail('SESSION_REVOKED', 'The session was revoked.')
  if (row.token_hash !== tokenHash(token)) throw fail('INVALID_TOKEN', 'The session token was replaced by a newer one.')
  if (now >= row.expires_at || now >= row.absolute_expires_at) {
    throw fail('TOKEN_EXPIRED', 'The session token has expired.')
  }
  return { kind: 'session', sessionId, agentId }
}
