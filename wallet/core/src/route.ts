import type { z } from 'zod'
import type { OwnerAction } from './approval.ts'
import type { ErrorCode } from './error.ts'
import type { OwnerCommand } from './owner-command.ts'

/**
 * Who may call. `master`: operator (admin token or master password). `session`: an agent's session token.
 * `owner`: the owner's signature over a challenge of the daemon.
 */
export type Credential = 'master' | 'session' | 'owner'

/** Any one of the credentials, or nobody's. There is no default: a route without it does not compile. */
export type Authentication = 'public' | readonly [Credential, ...Credential[]]

export type Route = {
  method: 'get' | 'post' | 'put' | 'delete'
  /** Path with `:name` parameters. */
  path: `/${string}`
  authentication: Authentication
  tag: 'system' | 'agents' | 'sessions' | 'policies' | 'wallet' | 'transactions' | 'owner' | 'admin'
  summary: string
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  /** The header Idempotency-Key: 1 to 128 printable characters. */
  idempotent?: true
  /** The answer is a stream of server-sent events, each data line one value of the schema under 200. */
  stream?: true
  /** What the owner's message must be for, on routes that take one. */
  ownerAction?: OwnerAction | OwnerCommand | 'policy_change'
  /** Takes the owner's proof beside the operator's; whether it is needed depends on the state. */
  alsoOwner?: true
  /** Also takes a session token that a renewal has replaced: to tell so. */
  replacedToken?: true
  /**
   * True for requests by which everything is stopped: their shares of rate limits and password checks are their own, so
   * that nothing else uses them up. Of a route with a body it is asked with the body.
   */
  emergency?: (body: unknown) => boolean
  /** Paces itself, so that no rate limit of public routes is needed. */
  paced?: true
  /** Answers while the kill switch is on. */
  whileLocked?: true
  /** The header `Prefer: wait=N` (N up to 60) holds the answer until the result is final. */
  waits?: true
  /** Success answers by HTTP status. */
  responses: Readonly<Record<number, { description: string; schema: z.ZodType }>>
  /** Codes this route answers with besides those that any route can (authentication, validation, internal). */
  errors: readonly ErrorCode[]
}
