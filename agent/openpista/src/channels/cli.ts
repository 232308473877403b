import { createClients } from '../gateway/clients.ts'
import { serveUnixSocket } from '../gateway/unix-socket.ts'
import { defineChannel } from './definition.ts'

/** Programs on this machine: `run`, `repl`, scripts. The gateway protocol over a Unix socket. */
export const cli = defineChannel({
  name: 'cli',
  local: true,
  create: ({ connection, cli: config }) => {
    const clients = createClients({ ...connection, channel: 'cli' })
    let end = async () => {}
    return {
      name: 'cli',
      approvalSeconds: 60,
      start: async () => {
        end = await serveUnixSocket(config.socketPath, clients)
      },
      deliver: async () => ({ kind: 'failed', message: 'Clients read the session; nothing is sent to them.' }),
      onFrame: clients.publish,
      stop: () => end(),
    }
  },
})
