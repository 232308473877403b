import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Access } from './access.ts'
import type { Clients } from './clients.ts'
import { createHttp, type HttpParts } from './http.ts'
import { createWebSockets, type WebSockets } from './websocket.ts'

/** What answers on a web server: pages over HTTP, the gateway protocol over WebSocket. */
export type WebFront = WebSockets & {
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

export function createWebFront(access: Access, clients: Clients, http: Omit<HttpParts, 'access'>): WebFront {
  const answer = getRequestListener(createHttp({ access, ...http }).fetch)
  return { answer, ...createWebSockets(access, clients) }
}
