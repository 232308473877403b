import { connect } from 'node:net'
import { createLineReader } from '../gateway/line-reader.ts'
import { type ClientFrame, PROTOCOL_VERSION, type ServerFrame } from '../protocol/index.ts'

/** A client of the gateway protocol over the Unix socket. */
export type GatewayClient = {
  send: (frame: ClientFrame) => void
  /** The next frame; `undefined` once the gateway is gone. */
  next: () => Promise<ServerFrame | undefined>
  close: () => void
}

/** Where a client goes on: the session, and the last frame that it has of it. */
export type GoesOn = Pick<Extract<ClientFrame, { type: 'hello' }>, 'sessionId' | 'lastSeq'>

/** Connects and says hello as `clientId`, whose own session, `cli:<clientId>`, is opened unless another is named. */
export async function connectGateway(
  socketPath: string,
  clientId: string,
  goesOn: GoesOn = {},
): Promise<GatewayClient> {
  const socket = connect(socketPath)
  const opened = Promise.withResolvers<void>()
  socket.once('connect', opened.resolve)
  socket.once('error', opened.reject)
  await opened.promise

  const lines = createLineReader()
  const ready: ServerFrame[] = []
  let waiter: ((frame: ServerFrame | undefined) => void) | undefined
  let ended = false
  const give = (frame: ServerFrame | undefined) => {
    const waiting = waiter
    waiter = undefined
    if (waiting !== undefined) waiting(frame)
    else if (frame !== undefined) ready.push(frame)
  }
  socket.on('data', (chunk) => {
    for (const line of lines.push(chunk)) give(JSON.parse(line) as ServerFrame)
  })
  socket.on('close', () => {
    ended = true
    give(undefined)
  })
  // A broken socket also emits `close`, which is where it is handled.
  socket.on('error', () => {})

  const client: GatewayClient = {
    send: (frame) => socket.write(`${JSON.stringify(frame)}\n`),
    next: () => {
      const frame = ready.shift()
      if (frame !== undefined || ended) return Promise.resolve(frame)
      return new Promise((resolve) => {
        waiter = resolve
      })
    },
    close: () => socket.destroy(),
  }
  client.send({ type: 'hello', protocol: PROTOCOL_VERSION, clientId, ...goesOn })
  return client
}
