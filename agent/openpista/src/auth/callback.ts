import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '@openpista/common'

/** Waits on this machine for a browser to come back, once. */
export type Callback = {
  redirectUri: string
  /** The address with which the browser came back. */
  arrived: Promise<URL>
  close: () => Promise<void>
}

const PAGE = 'You can close this page and go back to openpista.\n'

/**
 * Listens on 127.0.0.1 for one request to `path`; every other is answered with 404.
 *
 * @throws AppError `PORT_TAKEN`.
 */
export async function startCallback({ port, path }: { port: number; path: string }): Promise<Callback> {
  const { promise, resolve } = Promise.withResolvers<URL>()
  let used = false
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const wanted = request.method === 'GET' && url.pathname === path && !used
    response.writeHead(wanted ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(wanted ? PAGE : 'Not found.\n')
    if (!wanted) return
    used = true
    resolve(url)
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', (cause) =>
      failed(
        new AppError('PORT_TAKEN', `The port ${port} for the way back from the browser is taken.`, {
          hint: 'Stop the program that uses it, or choose another with --port.',
          cause,
        }),
      ),
    )
    server.listen(port, '127.0.0.1', listening)
  })
  return {
    redirectUri: `http://localhost:${(server.address() as AddressInfo).port}${path}`,
    arrived: promise,
    close: async () => {
      server.closeIdleConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
