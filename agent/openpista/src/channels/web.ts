import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { AppError } from '@openpista/common'
import { createClients } from '../gateway/clients.ts'
import { createHttp } from '../gateway/http.ts'
import { serveWebSocket } from '../gateway/websocket.ts'
import { defineChannel } from './definition.ts'

/** The browser: the web client's files and the gateway protocol over WebSocket, on the loopback. */
export const web = defineChannel({
  name: 'web',
  create: ({ connection, access, web: config }) => {
    const clients = createClients({ ...connection, channel: 'web' })
    const server = createServer(getRequestListener(createHttp({ access, ...config }).fetch))
    const endSockets = serveWebSocket(server, access, clients)
    return {
      name: 'web',
      approvalSeconds: 60,
      start: async () => {
        await listen(server, config.port)
        config.onListening((server.address() as AddressInfo).port)
      },
      deliver: async () => ({ kind: 'failed', message: 'Web clients read the session; nothing is sent to them.' }),
      onFrame: clients.publish,
      stop: async () => {
        endSockets()
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  },
})

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (cause: NodeJS.ErrnoException) => {
    const busy = cause.code === 'EADDRINUSE'
    const message = busy ? `Port ${port} is in use.` : `The web server cannot listen on port ${port}: ${cause.message}`
    const hint = 'Stop the other program, or set channels.web.port (openpista_WEB_PORT).'
    reject(new AppError('PORT_UNAVAILABLE', message, { hint, cause }))
  })
  server.listen(port, '127.0.0.1', resolve)
  await promise
}
