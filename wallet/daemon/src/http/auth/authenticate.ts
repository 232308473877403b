import type { Clock } from '@openpista/common'
import { type Authentication, type Credential, type ErrorCode, type Route, type RouteName, routes } from '@waiaas/core'
import type { Kysely } from 'kysely'
import { findSession } from '../../store/sessions.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { bearerToken } from '../request-headers.ts'
import type { Identity, OwnerIdentity } from './identity.ts'
import { ADMIN_PREFIX, type MasterAuth } from './master-auth.ts'
import type { OwnerAuth } from './owner-auth.ts'
import { SESSION_PREFIX, type SessionTokens, tokenHash } from './session-tokens.ts'

/** The parts of a request that can prove who is calling. */
export type Claim = {
  headers: Headers
  source: string
  /** Whose share of limits the request takes from. */
  share: string
  route: RouteName
  resourceId: string | undefined
}

export type Authenticate = {
  /**
   * Proves the caller by a credential that the request carries and the route accepts.
   *
   * @throws AppError with a 401 code, or MASTER_PASSWORD_LOCKED.
   */
  caller: (accepted: Authentication, claim: Claim) => Promise<Identity>
  /** The owner's proof beside another credential; `undefined` where the request carries none. */
  owner: (claim: Claim) => Promise<OwnerIdentity | undefined>
}

/**
 * Proves the caller by the one credential that the request carries, if the route accepts its kind.
 * What the request does not carry is never looked for elsewhere, and there is no fallback.
 */
export function createAuthenticate(parts: {
  db: Kysely<Tables>
  clock: Clock
  master: MasterAuth
  owner: OwnerAuth
  tokens: SessionTokens
}): Authenticate {
  const checks: Record<Credential, (claim: Claim) => Promise<Identity>> = {
    master: async ({ headers, source, share, route }) => {
      const password = headers.get('x-master-password')
      if (password === null) return { kind: 'master', tokenHash: await parts.master.checkToken(bearerToken(headers)!) }
      await parts.master.checkPassword(password, { source, share, emergency: isEmergency(route) })
      return { kind: 'master', tokenHash: null }
    },
    session: (claim) => checkSession(parts, claim, bearerToken(claim.headers)!),
    owner: (claim) => parts.owner.check(claim),
  }
  return {
    caller: async (accepted, claim) => {
      if (accepted === 'public') return { kind: 'public' }
      const carried = credentialsOf(claim.headers).find((kind) => accepted.includes(kind))
      if (carried === undefined) {
        throw fail(missing[accepted[0]], `This call needs ${accepted.map((kind) => wording[kind]).join(' or ')}.`)
      }
      return await checks[carried](claim)
    },
    owner: async (claim) => (claim.headers.has('x-owner-signature') ? await parts.owner.check(claim) : undefined),
  }
}

/** True for routes that stop everything: they have shares of their own. */
function isEmergency(name: RouteName): boolean {
  const route: Route = routes[name]
  return route.emergency?.(undefined) === true
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

function credentialsOf(headers: Headers): Credential[] {
  const found: Credential[] = []
  if (headers.has('x-owner-signature')) found.push('owner')
  if (headers.has('x-master-password')) found.push('master')
  const token = bearerToken(headers)
  if (token?.startsWith(SESSION_PREFIX)) found.push('session')
  if (token?.startsWith(ADMIN_PREFIX)) found.push('master')
  return found
}

async function checkSession(
  parts: { db: Kysely<Tables>; clock: Clock; tokens: SessionTokens },
  claim: Claim,
  token: string,
): Promise<Identity> {
  const now = parts.clock.seconds()
  const { sessionId, agentId, retiring, expired } = await parts.tokens.read(token, now)
  const row = await findSession(parts.db, sessionId)
  if (row === undefined || row.agent_id !== agentId) throw fail('INVALID_TOKEN', 'The session token is not valid.')
  if (row.revoked_at !== null) throw fail('SESSION_REVOKED', 'The session was revoked.')
  const hash = tokenHash(token)
  const route: Route = routes[claim.route]
  if (row.token_hash !== hash && route.replacedToken !== true) {
    throw fail('INVALID_TOKEN', 'The session token was replaced by a newer one.')
  }
  if (now >= row.absolute_expires_at) throw fail('SESSION_EXPIRED', 'The session has reached its end.')
  if (expired || now >= row.expires_at) {
    throw fail('TOKEN_EXPIRED', 'The session token has expired.')
  }
  return { kind: 'session', sessionId, agentId, presentedHash: hash, retiring }
}
