import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { newSecret } from '@openpista/common'

/** Who may use the HTTP surface. */
export type Access = {
  /**
   * True when `Host` names this machine, and `Origin`, if sent, is this very server or one that the owner allowed.
   * Defeats DNS rebinding and CSRF.
   */
  sameOrigin: (headers: RequestHeaders) => boolean
  /** True for a page elsewhere that the owner allowed. */
  allowedOrigin: (origin: string | undefined) => boolean
  /** True with a valid cookie, bearer token or token in the WebSocket subprotocols (`token.<token>`). */
  authenticated: (headers: RequestHeaders) => boolean
  /** A code for a link, good for one use within ten minutes. */
  newCode: () => string
  /** Exchanges a code for the value of a `Set-Cookie` header. */
  redeem: (code: string) => string | undefined
}

export type RequestHeaders = {
  host?: string | undefined
  origin?: string | undefined
  cookie?: string | undefined
  authorization?: string | undefined
  protocols?: string | undefined
}

export type AccessParts = {
  token: string
  /** Host names, besides those of the loopback, under which this server is reached. */
  hosts: readonly string[]
  /** Origins of pages elsewhere that may speak to this server. */
  origins: readonly string[]
  now: () => number
}

const COOKIE = 'openpista_session'
const COOKIE_DAYS = 30
const CODE_MILLIS = 10 * 60_000
const OPEN_CODES = 20

export function createAccess({ token, hosts, origins, now }: AccessParts): Access {
  const known = new Set(['127.0.0.1', 'localhost', '[::1]', ...hosts])
  const codes = new Map<string, number>()

  const sign = (expires: string, nonce: string) =>
    createHmac('sha256', token).update(`cookie ${expires} ${nonce}`).digest('base64url')

  function cookieValid(header: string | undefined): boolean {
    const value = header
      ?.split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(`${COOKIE}=`))
    const [expires, nonce, signature] = value?.slice(COOKIE.length + 1).split('.') ?? []
    if (expires === undefined || nonce === undefined || signature === undefined) return false
    return same(signature, sign(expires, nonce)) && Number(expires) > now()
  }

  return {
    sameOrigin: ({ host, origin }) => {
      if (host === undefined || !known.has(host.replace(/:\d+$/, '').toLowerCase())) return false
      if (origin === undefined || origins.includes(origin)) return true
      return origin === `http://${host}` || origin === `https://${host}`
    },
    allowedOrigin: (origin) => origin !== undefined && origins.includes(origin),
    authenticated: ({ cookie, authorization, protocols, origin }) => {
      if (authorization?.startsWith('Bearer ')) return same(authorization.slice('Bearer '.length), token)
      const offered = protocols?.split(',').map((part) => part.trim())
      const inProtocol = offered?.find((part) => part.startsWith('token.'))
      if (inProtocol !== undefined) return same(inProtocol.slice('token.'.length), token)
      // A cookie says which browser it is, not which page: a page elsewhere has to know the token.
      if (origin !== undefined && origins.includes(origin)) return false
      return cookieValid(cookie)
    },
    newCode: () => {
      for (const [code, expires] of codes) if (expires <= now()) codes.delete(code)
      if (codes.size >= OPEN_CODES) codes.delete(codes.keys().next().value!)
      const code = newSecret()
      codes.set(code, now() + CODE_MILLIS)
      return code
    },
    redeem: (code) => {
      const expires = codes.get(code)
      codes.delete(code)
      if (expires === undefined || expires <= now()) return undefined
      const until = String(now() + COOKIE_DAYS * 86_400_000)
      const nonce = newSecret(12)
      const value = `${until}.${nonce}.${sign(until, nonce)}`
      return `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${COOKIE_DAYS * 86_400}`
    },
  }
}

/** Compares in a time that does not depend on where the texts differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
