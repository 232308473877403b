import { createHash } from 'node:crypto'
import { JWTExpired } from 'jose/errors'
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'
import { fail } from '../fail.ts'
import type { SessionKeys } from './session-keys.ts'

export const SESSION_PREFIX = 'wai_sess_'

export type SessionClaims = { sessionId: string; agentId: string; issuedAt: number; expiresAt: number }

/** Makes and reads session tokens. That a session still lives is for the database to say. */
export type SessionTokens = {
  issue: (claims: SessionClaims) => Promise<string>
  /** `expired`: it was good once. @throws AppError INVALID_TOKEN. */
  read: (
    token: string,
    now: number,
  ) => Promise<{ sessionId: string; agentId: string; retiring: boolean; expired: boolean }>
}

const ALGORITHM = 'HS256'
const TYPE = 'waiaas-session+jwt'
const ISSUER = 'waiaas'
const AUDIENCE = 'waiaas-daemon'

export function createSessionTokens(keys: SessionKeys): SessionTokens {
  return {
    issue: async (claims) => {
      const { key, kid } = keys.current()
      const jwt = await new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(claims.agentId)
        .setJti(claims.sessionId)
        .setIssuedAt(claims.issuedAt)
        .setExpirationTime(claims.expiresAt)
        .sign(key)
      return `${SESSION_PREFIX}${jwt}`
    },
    read: async (token, now) => {
      let retiring = false
      const keyOf = ({ kid }: { kid?: string | undefined }) => {
        const found = kid === undefined ? undefined : keys.find(kid)
        if (found === undefined) throw fail('INVALID_TOKEN', 'The session token is not valid.')
        retiring = found.retiring
        return found.key
      }
      try {
        const { payload } = await jwtVerify(token.slice(SESSION_PREFIX.length), keyOf, {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer: ISSUER,
          audience: AUDIENCE,
          requiredClaims: ['exp', 'iat', 'jti', 'sub'],
          currentDate: new Date(now * 1000),
        })
        return { sessionId: payload.jti!, agentId: payload.sub!, retiring, expired: false }
      } catch (cause) {
        // Everything else about it was found right before its time was looked at.
        if (cause instanceof JWTExpired) {
          return { sessionId: cause.payload.jti!, agentId: cause.payload.sub!, retiring, expired: true }
        }
        throw fail('INVALID_TOKEN', 'The session token is not valid.', { cause })
      }
    },
  }
}

/** SHA-256 of a bearer token in hex: what the database keeps of it. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
