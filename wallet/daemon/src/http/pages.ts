import { readFile } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import type { Context, Hono } from 'hono'
import type { Env } from 'hono/types'
import { fail } from './fail.ts'

export type PageOptions = {
  /** Folder with the built signing page. */
  folder: string
  /** Where the demo owner signs; only for networks without value. */
  demoOwnerUrl: string | undefined
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

/** The signing page under /approve: static files, and its one document for every transaction. */
export function servePages<E extends Env>(app: Hono<E>, options: PageOptions): void {
  const policy = contentSecurityPolicy(options.demoOwnerUrl)
  const page = (context: Context, body: string | Uint8Array<ArrayBuffer>, type: string, immutable: boolean) => {
    context.header('Content-Type', type)
    context.header('Content-Security-Policy', policy)
    context.header('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    context.header('Cross-Origin-Opener-Policy', 'same-origin')
    context.header('Permissions-Policy', 'camera=(), geolocation=(), microphone=()')
    return context.body(body)
  }

  app.get('/approve/config.json', (context) => {
    const { demoOwnerUrl } = options
    return context.json(demoOwnerUrl === undefined ? {} : { demoOwnerUrl })
  })
  app.get('/approve/*', async (context) => {
    const path = decodePath(context.req.path.slice('/approve/'.length))
    if (extname(path) === '') {
      const index = await readInside(options.folder, 'index.html')
      return page(context, index ?? NOT_BUILT, MEDIA_TYPES['.html']!, false)
    }
    const type = MEDIA_TYPES[extname(path)]
    const content = type === undefined ? undefined : await readInside(options.folder, path)
    if (type === undefined || content === undefined) throw fail('NOT_FOUND', 'There is no such file.')
    return page(context, content, type, path.startsWith('assets/'))
  })
}

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signing page</title>
<p>The signing page is not built yet. Run <code>npm run build</code> in the repository, then reload.</p></html>`

function contentSecurityPolicy(demoOwnerUrl: string | undefined): string {
  const connect = demoOwnerUrl === undefined ? "'self'" : `'self' ${new URL(demoOwnerUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw fail('NOT_FOUND', 'There is no such file.')
  }
}

/** A file of the folder, or `undefined`; nothing outside it whatever the path says. */
async function readInside(folder: string, path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = resolve(join(folder, path))
  if (path.includes('\0') || !file.startsWith(resolve(folder) + sep)) return undefined
  try {
    return new Uint8Array(await readFile(file))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined
    throw error
  }
}
