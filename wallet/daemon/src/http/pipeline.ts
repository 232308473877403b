import type { Clock, Logger } from '@openpista/common'
import type { Route, RouteName, Routes } from '@waiaas/core'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { NewEvent } from '../store/events.ts'
import type { Authenticate } from './auth/authenticate.ts'
import { actorOf, type Identity, type OwnerIdentity } from './auth/identity.ts'
import { IDLE_SECONDS } from './auth/master-auth.ts'
import { fail, isWireError } from './fail.ts'
import type { Answer, Call, Feed, Handler } from './handler.ts'
import { parseInput, readJson } from './parse-input.ts'
import type { RateLimit, RateLimits } from './rate-limits.ts'
import { idempotencyKey, preferredWait } from './request-headers.ts'

export type Limits = { publicPerMinute: number; sessionPerMinute: number; operatorPerMinute: number }

export type PipelineParts = {
  authenticate: Authenticate
  rateLimits: RateLimits
  /** As they are now: an operator may change them. */
  limits: () => Limits
  /** True while the kill switch is on. */
  locked: () => boolean
  clock: Clock
  logger: Logger
  /** Writes to the audit log. */
  record: (event: NewEvent) => Promise<void>
}

/** What the outer layer knows of a request before any route does. */
export type RequestFacts = { requestId: string; source: string; share: string; host: string }

const HEARTBEAT_MILLIS = 15_000
/** Event streams that one session, operator token or password share may have open. */
const MAX_STREAMS = 8

/**
 * The one way from a request to a handler, the same for every route of the table: who calls, may he call so
 * often, what does he ask, the answer.
 */
export function createPipeline(parts: PipelineParts) {
  const streams = createStreamCount()
  return async function run<Name extends RouteName>(
    name: Name,
    route: Route,
    handler: Handler<Routes[Name]>,
    context: Context,
    facts: RequestFacts,
  ): Promise<Response> {
    const headers = context.req.raw.headers
    const { source, share } = facts
    const claim = { headers, source, share, route: name, resourceId: context.req.param('id') }
    const limitPublic = () =>
      spend(context, parts, sourceBucket(`public:${name}`, claim), parts.limits().publicPerMinute)
    const isPublic = route.authentication === 'public' && route.paced !== true
    // Where an emergency is known by its body, the limit waits for it.
    if (isPublic && route.emergency === undefined) await limitPublic()
    if (route.whileLocked !== true && parts.locked()) {
      throw fail('SYSTEM_LOCKED', 'The kill switch is on.')
    }
    const { identity, owner } = await authenticateCaller(parts, route, claim, context)
    if (identity.kind !== 'public') {
      await spend(
        context,
        parts,
        { key: bucketOf(identity, route, share), actor: actorOf(identity, source) },
        perMinute(identity, parts.limits()),
      )
    }
    const { params, query, body } = parseInput(route, {
      params: context.req.param(),
      query: context.req.queries(),
      body: route.body === undefined ? undefined : await readJson(context.req),
    })
    if (isPublic && route.emergency?.(body) === false) await limitPublic()
    const call = {
      params,
      query,
      body,
      identity,
      owner,
      idempotencyKey: route.idempotent === true ? idempotencyKey(headers) : undefined,
      wait: route.waits === true ? preferredWait(headers) : 0,
      source,
      share,
      host: facts.host,
    }
    // The table's types are what `Handlers` checks; here they are one type for all routes.
    const answer = (await handler(call as Call<Routes[Name]>)) as Answer<Route>
    if (call.wait > 0) context.header('Preference-Applied', `wait=${call.wait}`)
    if ('stream' in answer) {
      const closed = streams.open(callerBucket(identity, share))
      const openedAt = parts.clock.seconds()
      const stillValid = () => revalidate(parts, route, claim, identity, openedAt)
      return sendStream(context, answer.stream as Feed<unknown>, stillValid, closed, parts.logger)
    }
    return context.json(answer.body, answer.status as 200)
  }
}

/** How many streams each credential has open. */
function createStreamCount() {
  const open = new Map<string, number>()
  return {
    /** @returns what to call when it has ended. @throws AppError TOO_MANY_STREAMS. */
    open: (key: string) => {
      const count = open.get(key) ?? 0
      if (count >= MAX_STREAMS) {
        throw fail('TOO_MANY_STREAMS', `${count} event streams are open with this credential.`, {
          details: { limit: MAX_STREAMS },
        })
      }
      open.set(key, count + 1)
      return () => {
        const left = open.get(key)! - 1
        if (left === 0) open.delete(key)
        else open.set(key, left)
      }
    },
  }
}

type Parts = PipelineParts
type ClaimOf = Parameters<Authenticate['owner']>[0]

/** A failed proof costs the peer's own share of failures, never anybody's valid credential. */
async function authenticateCaller(
  parts: Parts,
  route: Route,
  claim: ClaimOf,
  context: Context,
): Promise<{ identity: Identity; owner: OwnerIdentity | undefined }> {
  try {
    const identity = await parts.authenticate.caller(route.authentication, claim)
    return { identity, owner: route.alsoOwner === true ? await parts.authenticate.owner(claim) : undefined }
  } catch (error) {
    if (isWireError(error) && error.code !== 'MASTER_PASSWORD_LOCKED') {
      await spend(context, parts, sourceBucket('failed', claim), parts.limits().publicPerMinute)
    }
    throw error
  }
}

function bucketOf(identity: Identity, route: Route, share: string): string {
  const own = callerBucket(identity, share)
  return route.emergency === undefined ? own : `emergency:${own}`
}

function callerBucket(identity: Identity, share: string): string {
  switch (identity.kind) {
    case 'session':
      return `session:${identity.sessionId}`
    case 'master':
      return `master:${identity.tokenHash ?? share}`
    case 'owner':
      return `owner:${identity.ownerAddress}`
    case 'public':
      return `public:${share}`
  }
}

function perMinute(identity: Identity, limits: Limits): number {
  return identity.kind === 'session' ? limits.sessionPerMinute : limits.operatorPerMinute
}

/** `actor`: whose share it is, as the log names it. */
type Bucket = { key: string; actor: string }

function sourceBucket(name: string, { share, source }: Pick<ClaimOf, 'share' | 'source'>): Bucket {
  return { key: `${name}:${share}`, actor: `source:${source}` }
}

async function spend(context: Context, parts: Parts, { key, actor }: Bucket, limit: number): Promise<void> {
  const state = parts.rateLimits.take(key, limit)
  const name = key.slice(0, key.indexOf(':'))
  setLimitHeaders(context, name, state)
  if (state.allowed) return
  if (state.news) await parts.record({ type: 'RATE_LIMIT_EXCEEDED', actor, data: { bucket: name, limit } })
  throw fail('RATE_LIMIT_EXCEEDED', 'Too many requests.', { details: { retryAfterSeconds: state.resetSeconds } })
}

function setLimitHeaders(context: Context, name: string, state: RateLimit): void {
  context.header('RateLimit-Policy', `"${name}";q=${state.limit};w=60`)
  context.header('RateLimit', `"${name}";r=${state.remaining};t=${state.resetSeconds}`)
}

/**
 * A stream outlives its first check: a token that was revoked or has expired ends it. One that was opened with the
 * password, which is kept nowhere, ends after as long as an idle login; its caller connects again.
 */
async function revalidate(
  parts: Parts,
  route: Route,
  claim: ClaimOf,
  identity: Identity,
  openedAt: number,
): Promise<boolean> {
  if (identity.kind === 'master' && identity.tokenHash === null) return parts.clock.seconds() - openedAt < IDLE_SECONDS
  try {
    await parts.authenticate.caller(route.authentication, claim)
    return true
  } catch (error) {
    if (isWireError(error)) return false
    throw error
  }
}

function sendStream(
  context: Context,
  feed: Feed<unknown>,
  stillValid: () => Promise<boolean>,
  closed: () => void,
  logger: Logger,
): Response {
  context.header('X-Accel-Buffering', 'no')
  return streamSSE(
    context,
    async (stream) => {
      const stop = new AbortController()
      stream.onAbort(() => stop.abort())
      const beat = async () => {
        if (await stillValid()) await stream.write(': still here\n\n')
        else stop.abort()
      }
      const heartbeat = setInterval(() => {
        beat().catch((error: unknown) => {
          logger.error({ err: error }, 'the check of an open stream failed')
          stop.abort()
        })
      }, HEARTBEAT_MILLIS)
      try {
        await stream.write(': connected\n\n')
        const lastId = Number(context.req.header('last-event-id'))
        for await (const { id, value } of feed(
          stop.signal,
          Number.isSafeInteger(lastId) && lastId > 0 ? lastId : undefined,
        )) {
          if (!(await stillValid())) break
          await stream.writeSSE({ id: String(id), data: JSON.stringify(value) })
        }
      } finally {
        clearInterval(heartbeat)
        closed()
      }
    },
    async (error) => {
      logger.error({ err: error }, 'a stream broke')
    },
  )
}
