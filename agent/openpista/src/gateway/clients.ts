import type { SessionFrame } from '../protocol/index.ts'
import { Connection, type ConnectionParts, type Transport } from './connection.ts'

/** The connected clients of one channel. */
export type Clients = {
  connect: (transport: Transport) => Connection
  disconnect: (connection: Connection) => void
  publish: (frame: SessionFrame) => void
}

export function createClients(parts: ConnectionParts): Clients {
  const connections = new Set<Connection>()
  return {
    connect: (transport) => {
      const connection = new Connection(transport, parts)
      connections.add(connection)
      return connection
    },
    disconnect: (connection) => {
      connection.end()
      connections.delete(connection)
    },
    publish: (frame) => {
      let text: string | undefined
      for (const connection of connections) {
        if (connection.sessionId !== frame.sessionId) continue
        text ??= JSON.stringify(frame)
        connection.publish(frame, text)
      }
    },
  }
}
