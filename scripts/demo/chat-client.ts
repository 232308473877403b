import { randomUUID } from 'node:crypto'
import { type Card, PROTOCOL_VERSION, type ServerFrame } from 'openpista/protocol'
import { WebSocket } from 'ws'

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>

/** A chat client for scripts and tests: what the browser does, without the browser. */
export type ChatClient = {
  sessionId: string
  /** Every frame received, in order. */
  frames: readonly ServerFrame[]
  /** Sends a message; answers its id. */
  post: (text: string) => string
  /** Sends a message and resolves when its turn is over, with the turn's answer. */
  say: (text: string) => Promise<string>
  /** The first frame of this type, from position `since` on, that passes the test. Rejects after a minute. */
  until: <Type extends ServerFrame['type']>(
    type: Type,
    since: number,
    passes?: (frame: FrameOf<Type>) => boolean,
  ) => Promise<FrameOf<Type>>
  answer: (card: Card, decision: 'approve' | 'reject' | 'allow_for_session') => void
  close: () => void
}

const PATIENCE_MS = 60_000

/**
 * Connects to a gateway and says hello.
 *
 * @param url of the gateway, `http://127.0.0.1:3210`.
 * @param token the gateway's token.
 */
export async function connectChat(url: string, token: string, clientId = 'script'): Promise<ChatClient> {
  const frames: ServerFrame[] = []
  const watchers = new Set<() => void>()
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } })
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()) as ServerFrame)
    for (const look of watchers) look()
  })

  const until: ChatClient['until'] = (type, since, passes = () => true) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look)
        reject(new Error(`no ${type} within ${PATIENCE_MS / 1000} s; last frames: ${JSON.stringify(frames.slice(-4))}`))
      }, PATIENCE_MS)
      const look = () => {
        const found = frames.slice(since).find((frame) => frame.type === type && passes(frame as never))
        if (found === undefined) return
        clearTimeout(timer)
        watchers.delete(look)
        resolve(found as never)
      }
      watchers.add(look)
      look()
    })

  const send = (frame: unknown) => socket.send(JSON.stringify(frame))
  const post = (text: string) => {
    const id = randomUUID()
    send({ type: 'message', id, text })
    return id
  }
  send({ type: 'hello', protocol: PROTOCOL_VERSION, clientId })
  const { sessionId } = await until('welcome', 0)
  return {
    sessionId,
    frames,
    until,
    post,
    say: async (text) => {
      const since = frames.length
      const id = post(text)
      const { turnId } = await until('turn.started', since, (frame) => frame.messageId === id)
      const finished = await until('turn.finished', since, (frame) => frame.turnId === turnId)
      return finished.text
    },
    answer: (card, decision) => send({ type: 'approval.answer', cardId: card.id, decision }),
    close: () => socket.close(),
  }
}
