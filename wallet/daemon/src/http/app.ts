import { getConnInfo } from '@hono/node-server/conninfo'
import { type Clock, type Logger, newId } from '@openpista/common'
import { type Route, type RouteName, routes } from '@waiaas/core'
import { type Context, Hono } from 'hono'
import type { NewEvent } from '../store/events.ts'
import type { Authenticate } from './auth/authenticate.ts'
import { errorAnswer, fail, isWireError } from './fail.ts'
import type { Handlers } from './handler.ts'
import { type PageOptions, servePages } from './pages.ts'
import { createPipeline, type Limits } from './pipeline.ts'
import type { RateLimits } from './rate-limits.ts'
import { guardRequest } from './request-guard.ts'
import { shareOf } from './share.ts'

export type AppParts = {
  handlers: Handlers
  authenticate: Authenticate
  rateLimits: RateLimits
  limits: () => Limits
  /** True while the kill switch is on. */
  locked: () => boolean
  allowedHosts: readonly string[]
  pages: PageOptions
  /** Gives the command line a share of limits of its own. */
  localKey: string
  stopping: AbortSignal
  clock: Clock
  logger: Logger
  /** Writes to the audit log. */
  record: (event: NewEvent) => Promise<void>
}

type Env = { Variables: { requestId: string; source: string; share: string; host: string } }

const API_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const

/** The daemon's HTTP surface: every route of the table, and the pages. */
export function createApp(parts: AppParts): Hono<Env> {
  const app = new Hono<Env>()
  const run = createPipeline(parts)

  app.use(async (context, next) => {
    context.set('requestId', newId())
    context.set('source', getConnInfo(context).remote.address ?? 'unknown')
    context.set('share', shareOf(context.get('source'), context.req.raw.headers, parts.localKey))
    context.header('X-Request-Id', context.get('requestId'))
    for (const [name, value] of Object.entries(API_HEADERS)) context.header(name, value)
    context.set('host', guardRequest(context.req.raw.headers, parts))
    if (parts.stopping.aborted) throw fail('SHUTTING_DOWN', 'The daemon is stopping.')
    await next()
  })

  for (const name of Object.keys(routes) as RouteName[]) {
    const route: Route = routes[name]
    app.on(route.method.toUpperCase(), route.path, (context) =>
      run(name, route, parts.handlers[name] as never, context, {
        requestId: context.get('requestId'),
        source: context.get('source'),
        share: context.get('share'),
        host: context.get('host'),
      }),
    )
  }
  servePages(app, parts.pages)

  app.notFound(() => {
    throw fail('NOT_FOUND', 'There is no such path, or it does not take this method.')
  })
  app.onError((error, context) => answerError(error, context, parts.logger))
  return app
}

function answerError(error: Error, context: Context<Env>, logger: Logger): Response {
  const requestId = context.get('requestId')
  if (!isWireError(error)) logger.error({ err: error, requestId, path: context.req.path }, 'a request failed')
  const { status, body } = errorAnswer(error, requestId)
  const wait = body.details?.retryAfterSeconds
  if (typeof wait === 'number') context.header('Retry-After', String(wait))
  else if (status === 503) context.header('Retry-After', '1')
  return context.json(body, status as 400)
}
