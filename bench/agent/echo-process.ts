import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** Says back what it hears: what a message and its answer cost before anything is done with them. */
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
server.once('listening', () => process.send!((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
