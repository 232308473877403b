import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { Hono } from 'hono'
import type { TaskTokens } from '../domain/task.ts'
import type { Access } from './access.ts'

export type HttpParts = {
  access: Access
  /** Folder with the built web client. */
  webRoot: string
  /** Shown by `/health`. */
  version: string
  /** Of containers that run. */
  tasks: Pick<TaskTokens, 'verify'>
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** The gateway over HTTP: health, the one-time link, and the web client's files. */
export function createHttp({ access, webRoot, version, tasks }: HttpParts): Hono {
  const app = new Hono()

  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.header(name, value)
    const { host, origin } = context.req.header()
    if (!access.sameOrigin({ host, origin })) {
      return context.json({ code: 'ORIGIN_REFUSED', message: 'This server answers on this machine only.' }, 403)
    }
    if (!access.allowedOrigin(origin)) return await next()
    context.header('access-control-allow-origin', origin)
    context.header('access-control-allow-headers', 'authorization')
    context.header('vary', 'origin')
    return context.req.method === 'OPTIONS' ? context.body(null, 204) : await next()
  })

  app.get('/health', (context) => context.json({ status: 'ok', version }))

  app.get('/auth', (context) => {
    const cookie = access.redeem(context.req.query('code') ?? '')
    context.header('cache-control', 'no-store')
    if (cookie === undefined)
      return context.text('This link was used or is too old. For a new one: openpista link', 401)
    context.header('set-cookie', cookie)
    return context.redirect('/', 303)
  })

  /** A new one-time link for whoever has the token already: the command line. */
  app.post('/api/link', (context) => {
    if (!access.authenticated({ authorization: context.req.header('authorization') })) {
      return context.json({ code: 'UNAUTHENTICATED', message: 'The token is wrong.' }, 401)
    }
    return context.json({ path: `/auth?code=${access.newCode()}` })
  })

  /** Whoever is shown a task token asks here what it is worth. */
  app.get('/api/task', (context) => {
    context.header('cache-control', 'no-store')
    const [, token = ''] = /^Bearer (\S+)$/.exec(context.req.header('authorization') ?? '') ?? []
    const task = tasks.verify(token)
    if (task === undefined) {
      return context.json({ code: 'UNAUTHENTICATED', message: 'This is no token of a task that runs.' }, 401)
    }
    return context.json({ ...task, expiresAt: new Date(task.expiresAt).toISOString() })
  })

  /** A browser does not tell a page why its WebSocket was refused; this does. */
  app.get('/ws', (context) => {
    const isKnown = access.authenticated(context.req.header())
    return context.text(isKnown ? 'Connect with a WebSocket.' : 'Not signed in.', isKnown ? 426 : 401)
  })

  app.all('/api/*', (context) => context.json({ code: 'NOT_FOUND', message: 'There is nothing here.' }, 404))

  app.get('*', async (context) => {
    const file = await findFile(webRoot, context.req.path, context.req.header('accept-encoding') ?? '')
    if (file === undefined) return context.text('The web client is not built. Run: npm run build', 404)
    context.header('content-type', file.type)
    context.header('vary', 'accept-encoding')
    context.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (file.encoding !== undefined) context.header('content-encoding', file.encoding)
    return context.body(new Uint8Array(file.bytes))
  })

  return app
}

type StaticFile = { bytes: Buffer; type: string; encoding: string | undefined; immutable: boolean }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const

/** The file at a URL's path, compressed where a compressed copy lies beside it; a page of the client for the rest. */
async function findFile(root: string, path: string, accepted: string): Promise<StaticFile | undefined> {
  const relative = normalize(decode(path))
  const inside = relative.startsWith('/') && !relative.includes('\0') && !relative.split('/').includes('..')
  if (!inside) return undefined
  const isFile = extname(relative) !== ''
  if (isFile && TYPES[extname(relative)] === undefined) return undefined
  const name = isFile ? relative : '/index.html'
  const about = { type: TYPES[extname(name)]!, immutable: name.startsWith('/assets/') }
  for (const { name: encoding, suffix } of ENCODINGS) {
    if (!accepted.includes(encoding)) continue
    const bytes = await read(join(root, `${name}${suffix}`))
    if (bytes !== undefined) return { bytes, encoding, ...about }
  }
  const bytes = await read(join(root, name))
  return bytes === undefined ? undefined : { bytes, encoding: undefined, ...about }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined
    throw error
  }
}
