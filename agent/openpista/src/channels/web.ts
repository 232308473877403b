import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '@openpista/common'
import { createClients } from '../gateway/clients.ts'
import type { WebFront } from '../gateway/web-front.ts'
import { defineChannel } from './definition.ts'

/** Not imported by name, for that would load Node's whole HTTP client at every start. */
const { createServer } = process.getBuiltinModule('node:http')

/** The browser: the web client's files and the gateway protocol over WebSocket, on the loopback. */
export const web = defineChannel({
  name: 'web',
  local: true,
  create: ({ connection, access, web: config }) => {
    const clients = createClients({ ...connection, channel: 'web' })
    const server = createServer()
    const front = serveWhenAsked(server, connection.onFault, async () => {
      const { createWebFront } = await import('../gateway/web-front.ts')
      return createWebFront(access, clients, config)
    })
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
        await front.close()
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  },
})

/** Loads what answers with the first connection: many a gateway is spoken to through other channels only. */
function serveWhenAsked(server: Server, onFault: (error: unknown) => void, load: () => Promise<WebFront>) {
  let loading: Promise<WebFront> | undefined
  const front = () => {
    loading ??= load()
    return loading
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    front()
      .then(({ answer }) => answer(request, response))
      .catch((error: unknown) => {
        onFault(error)
        response.destroy()
      })
  })
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // A broken socket also emits `close`, and whoever takes it over listens for that.
    stream.on('error', () => {})
    front()
      .then(({ upgrade }) => upgrade(request, stream, head))
      .catch((error: unknown) => {
        onFault(error)
        stream.destroy()
      })
  })
  return {
    // One that did not load was reported with each connection, and has nothing to close.
    close: async () =>
      await loading?.then(
        ({ close }) => close(),
        () => {},
      ),
  }
}

async function listen(server: Server, port: number): Promise<void> {
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
