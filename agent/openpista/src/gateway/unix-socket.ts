import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { AppError } from '@openpista/common'
import type { Clients } from './clients.ts'
import { MAX_FRAME_BYTES } from './connection.ts'
import { corkForNow } from './cork.ts'
import { createLineReader } from './line-reader.ts'

/**
 * Serves the gateway protocol on a Unix socket: one JSON frame a line. Whoever may open the file is the owner.
 * A file that a dead process left is replaced.
 */
export async function serveUnixSocket(path: string, clients: Clients): Promise<() => Promise<void>> {
  if (Buffer.byteLength(path) > 107) {
    throw new AppError('SOCKET_PATH_TOO_LONG', `The path of the Unix socket is too long: ${path}`, {
      hint: 'Choose a shorter OPENPISTA_HOME: a socket path has at most 107 bytes.',
    })
  }
  rmSync(path, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    serve(socket, clients)
  })
  await listen(server, path)
  chmodSync(path, 0o600)
  return async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

function serve(socket: Socket, clients: Clients): void {
  const connection = clients.connect({
    send: (text) => {
      corkForNow(socket)
      socket.write(`${text}\n`)
    },
    buffered: () => socket.writableLength,
    close: () => socket.destroy(),
  })
  const lines = createLineReader()
  socket.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) connection.receive(line)
    if (lines.waiting() > MAX_FRAME_BYTES) socket.destroy()
  })
  socket.on('close', () => clients.disconnect(connection))
  // A broken socket also emits `close`, which is where it is handled.
  socket.on('error', () => {})
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  // The file is never open to others, not even before its mode is set.
  const mask = process.umask(0o177)
  server.listen(path, resolve)
  process.umask(mask)
  await promise
}
