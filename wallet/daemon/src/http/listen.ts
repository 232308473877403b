import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { AppError } from '@openpista/common'

export type Listener = {
  port: number
  /** Takes no new connections, lets running requests end, cuts what is left after `graceMillis`. */
  close: (graceMillis: number) => Promise<void>
}

/** @throws AppError PORT_IN_USE. */
export async function listen(
  fetch: (request: Request, env: unknown) => Response | Promise<Response>,
  at: { hostname: string; port: number },
): Promise<Listener> {
  const server = serve({ fetch: fetch as Parameters<typeof serve>[0]['fetch'], ...at }) as Server
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  // Longer than clients keep theirs: a connection that ends just as it is used again looks like a lost answer.
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, at)))
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async (graceMillis) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), graceMillis)
      await closed
      clearTimeout(cut)
    },
  }
}

function explain(error: NodeJS.ErrnoException, at: { hostname: string; port: number }): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new AppError('PORT_IN_USE', `Port ${at.port} on ${at.hostname} is taken by another program.`, {
    hint: 'Set daemon.port in config.toml, or WAIAAS_DAEMON_PORT.',
    cause: error,
  })
}
