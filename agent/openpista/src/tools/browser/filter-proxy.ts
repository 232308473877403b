import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { resolveTarget, type Target, type WebConfig } from '../pinned-fetch.ts'

/**
 * The only way of a browser into the network. Every connection is resolved, checked and made to the address that was
 * checked: no page, redirect, frame, picture, script or name that changes its address leads to this machine or its
 * network.
 */
export type FilterProxy = {
  port: number
  /** Why the last connection to this host and port was refused, if it was. */
  refusal: (host: string) => string | undefined
  close: () => Promise<void>
}

const REMEMBERED = 200
const HOP_BY_HOP = ['connection', 'proxy-connection', 'proxy-authorization', 'keep-alive', 'te', 'trailer', 'upgrade']

export async function startFilterProxy(config: WebConfig): Promise<FilterProxy> {
  const refusals = new Map<string, string>()
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A connection that breaks is the business of its two ends; both are closed.
    socket.on('error', () => socket.destroy())
    return socket
  }
  const check: Check = async (url) => {
    const target = await resolveTarget(url, config)
    if (typeof target !== 'string') return target
    refusals.delete(url.host)
    refusals.set(url.host, target)
    for (const oldest of refusals.keys()) {
      if (refusals.size <= REMEMBERED) break
      refusals.delete(oldest)
    }
    return undefined
  }
  const server = createServer((incoming, response) => {
    forward(incoming, response, check).catch((error: Error) => response.destroy(error))
  })
  server.on('connection', keep)
  server.on('connect', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    tunnel(incoming, { client, head }, check, keep).catch(() => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    refusal: (host) => refusals.get(host),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** The address to connect to; `undefined` when it is refused. */
type Check = (url: URL) => Promise<Target | undefined>

/** A plain http request: its address is the whole URL. */
async function forward(incoming: IncomingMessage, response: ServerResponse, check: Check): Promise<void> {
  const url = URL.parse(incoming.url ?? '')
  if (url === null || url.protocol !== 'http:') return void response.writeHead(400).end()
  const target = await check(url)
  if (target === undefined) return void response.writeHead(403, { 'content-type': 'text/plain' }).end('refused')
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
  ) as Record<string, string | string[]>
  const outgoing = request({
    host: target.address,
    port: url.port === '' ? 80 : Number(url.port),
    method: incoming.method,
    path: `${url.pathname}${url.search}`,
    headers,
    agent: false,
  })
  response.once('close', () => outgoing.destroy())
  outgoing.once('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  })
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  incoming.pipe(outgoing)
}

/** Everything else, https and web sockets: a tunnel to the checked address. */
async function tunnel(
  incoming: IncomingMessage,
  { client, head }: { client: Socket; head: Buffer },
  check: Check,
  keep: (socket: Socket) => Socket,
): Promise<void> {
  const url = URL.parse(`https://${incoming.url}`)
  const target = url === null ? undefined : await check(url)
  if (url === null || target === undefined) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  const far = keep(connect({ host: target.address, port: url.port === '' ? 443 : Number(url.port) }))
  client.once('close', () => far.destroy())
  far.once('close', () => client.destroy())
  far.once('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    far.write(head)
  })
  await Promise.allSettled([pipeline(client, far), pipeline(far, client)])
}
