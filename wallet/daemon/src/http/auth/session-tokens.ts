import { createHash } from 'node:crypto'
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
/** Tokens whose signature is not checked again; by their hashes, for the tokens themselves are kept nowhere. */
const MOST_REMEMBERED = 1_000

export function createSessionTokens(keys: SessionKeys): SessionTokens {
  const verified = new Map<string, Signed>()
  const remember = (name: string, signed: Signed) => {
    if (verified.size >= MOST_REMEMBERED) verified.delete(verified.keys().next().value!)
    verified.set(name, signed)
  }
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
      const name = tokenHash(token)
      const known = verified.get(name)
      const signed = known ?? (await verify(keys, token))
      // It may have gone out of use since.
      const key = keys.find(signed.kid)
      if (key === undefined) throw invalid()
      if (known === undefined) remember(name, signed)
      const { sessionId, agentId, expiresAt } = signed
      return { sessionId, agentId, retiring: key.retiring, expired: now >= expiresAt }
    },
  }
}

/** What a token says whose signature was found right. Whether its time is over and its key in use is asked each time. */
type Signed = { sessionId: string; agentId: string; expiresAt: number; kid: string }

async function verify(keys: SessionKeys, token: string): Promise<Signed> {
  const keyOf = ({ kid }: { kid?: string | undefined }) => {
    const found = kid === undefined ? undefined : keys.find(kid)
    if (found === undefined) throw invalid()
    return found.key
  }
  try {
    const { payload, protectedHeader } = await jwtVerify(token.slice(SESSION_PREFIX.length), keyOf, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      // Before anything that is signed here ends: whether its time is over is for the caller to find.
      currentDate: new Date(0),
    })
    return { sessionId: payload.jti!, agentId: payload.sub!, expiresAt: payload.exp!, kid: protectedHeader.kid! }
  } catch (cause) {
    throw invalid(cause)
  }
}

function invalid(cause?: unknown) {
  return fail('INVALID_TOKEN', 'The session token is not valid.', cause === undefined ? {} : { cause })
}

/** SHA-256 of a bearer token in hex: what the database keeps of it. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
