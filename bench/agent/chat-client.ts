import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ClientFrame, ServerFrame } from 'openpista/protocol'
import { WebSocket } from 'ws'
import type { StartedGateway } from './gateway.ts'

/** A client of the gateway in a session of its own. */
export type ChatClient = {
  /** Says something and resolves with the end of its turn, or with the card that the turn waits for. */
  say: (text: string) => Promise<TurnEnd>
  close: () => Promise<void>
}

type TurnEnd = Extract<ServerFrame, { type: 'turn.finished' | 'approval.requested' }>

export async function connectChat({ port, token }: StartedGateway): Promise<ChatClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { authorization: `Bearer ${token}` } })
  let turn: PromiseWithResolvers<TurnEnd> | undefined
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ServerFrame
    if (frame.type === 'turn.finished' || frame.type === 'approval.requested') turn?.resolve(frame)
    if (frame.type === 'error') turn?.reject(new Error(`the gateway refused: ${frame.message}`))
  })
  socket.once('close', () => turn?.reject(new Error('the gateway closed the connection')))
  const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame))
  await once(socket, 'open')
  send({ type: 'hello', protocol: 1, clientId: randomUUID() })
  await once(socket, 'message')
  return {
    say: (text) => {
      turn = Promise.withResolvers<TurnEnd>()
      send({ type: 'message', id: randomUUID(), text })
      return turn.promise.finally(() => {
        turn = undefined
      })
    },
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** A turn that must end well. */
export async function fullTurn(client: ChatClient, text: string): Promise<void> {
  const end = await client.say(text)
  if (end.type !== 'turn.finished' || end.status !== 'stop')
    throw new Error(`a turn went wrong: ${JSON.stringify(end)}`)
}
