import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Access } from './access.ts'
import type { Clients } from './clients.ts'
import { MAX_FRAME_BYTES } from './connection.ts'
import { corkForNow } from './cork.ts'

const HEARTBEAT_MS = 30_000
const CLOSE_TOO_SLOW = 1013

/** The gateway protocol on `/ws` of an HTTP server. */
export type WebSockets = {
  /** Takes the requests of the server for another protocol. */
  upgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void
  /** Ends every connection. */
  close: () => void
}

export function createWebSockets(access: Access, clients: Clients): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('openpista') ? 'openpista' : false),
  })
  const alive = new WeakSet<WebSocket>()

  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    alive.add(socket)
    const connection = clients.connect({
      send: (text) => {
        corkForNow(request.socket)
        socket.send(text)
      },
      buffered: () => socket.bufferedAmount,
      close: (reason) => socket.close(CLOSE_TOO_SLOW, reason),
    })
    socket.on('pong', () => alive.add(socket))
    socket.on('message', (data) => connection.receive(data.toString()))
    socket.on('close', () => clients.disconnect(connection))
    // A broken socket also emits `close`, which is where it is handled.
    socket.on('error', () => {})
  })

  const heartbeat = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!alive.delete(socket)) socket.terminate()
      else socket.ping()
    }
  }, HEARTBEAT_MS)
  heartbeat.unref()

  return {
    upgrade: (request, stream, head) => {
      const refusal = refuse(request, access)
      if (refusal !== undefined) {
        stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit('connection', socket, request))
    },
    close: () => {
      clearInterval(heartbeat)
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
    },
  }
}

function refuse(request: IncomingMessage, access: Access): string | undefined {
  const { host, origin, cookie, authorization, 'sec-websocket-protocol': protocols } = request.headers
  if (URL.parse(request.url ?? '/', 'http://gateway')?.pathname !== '/ws') return '404 Not Found'
  if (!access.sameOrigin({ host, origin })) return '403 Forbidden'
  if (!access.authenticated({ cookie, authorization, protocols, origin })) return '401 Unauthorized'
  return undefined
}
