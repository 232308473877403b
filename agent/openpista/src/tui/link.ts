import { connectGateway, type GatewayClient } from '../cli/gateway-client.ts'
import type { ClientFrame, ServerFrame } from '../protocol/index.ts'

type Hello = Extract<ClientFrame, { type: 'hello' }>

/** The way to the gateway. It does not come back by itself: whoever is told that it is gone connects again. */
export type Link = {
  connect: (hello: Hello, afterMs: number) => void
  /** Does nothing without a connection. */
  send: (frame: ClientFrame) => void
  close: () => void
}

export type LinkParts = {
  socketPath: string
  onFrame: (frame: ServerFrame) => void
  /** The connection ended, or there was none to be had. */
  onGone: () => void
  onFault: (fault: unknown) => void
}

export function createLink({ socketPath, onFrame, onGone, onFault }: LinkParts): Link {
  let client: GatewayClient | undefined
  let waiting: NodeJS.Timeout | undefined
  let isClosed = false

  const converse = async ({ clientId, sessionId, lastSeq }: Hello) => {
    const goesOn = { ...(sessionId === undefined ? {} : { sessionId }), ...(lastSeq === undefined ? {} : { lastSeq }) }
    client = await connectGateway(socketPath, clientId, goesOn).catch(unreachable)
    if (isClosed) client?.close()
    for (let frame = await client?.next(); frame !== undefined; frame = await client?.next()) onFrame(frame)
    client = undefined
    onGone()
  }
  return {
    connect: (hello, afterMs) => {
      waiting = setTimeout(() => {
        converse(hello).catch(onFault)
      }, afterMs)
    },
    send: (frame) => client?.send(frame),
    close: () => {
      isClosed = true
      clearTimeout(waiting)
      client?.close()
    },
  }
}

/** A gateway that cannot be reached is one that is not there yet. */
function unreachable(error: NodeJS.ErrnoException): undefined {
  if (error.syscall === undefined) throw error
  return undefined
}
