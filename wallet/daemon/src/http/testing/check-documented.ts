import { type Route, routes } from '@waiaas/core'
import { errorsOf } from '../openapi.ts'

const patterns = (Object.values(routes) as Route[]).map((route) => ({
  route,
  // A path without parameters is found before one with, as the daemon finds it.
  rank: route.path.includes(':') ? 1 : 0,
  pattern: new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`),
}))

/** @throws Error where a route answers a code that GET /doc does not name for it. */
export async function checkDocumented(url: string, method: string, answer: Response): Promise<void> {
  if (answer.ok || !answer.headers.get('content-type')?.startsWith('application/json')) return
  const { pathname } = new URL(url)
  const [found] = patterns
    .filter(({ route, pattern }) => route.method === method.toLowerCase() && pattern.test(pathname))
    .toSorted((a, b) => a.rank - b.rank)
  if (found === undefined) return
  const { code } = (await answer.clone().json()) as { code: string }
  if (errorsOf(found.route).some((known) => known === code)) return
  throw new Error(`${method} ${found.route.path} answered ${code}, which its documentation does not name`)
}
