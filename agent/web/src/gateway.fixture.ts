import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { ClientFrame, type HistoryItem, ServerFrame, type SessionFrame } from 'openpista/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

type WithoutNumber<Frame> = Frame extends SessionFrame ? Omit<Frame, 'sessionId' | 'seq'> : never
export type NewFrame = WithoutNumber<SessionFrame>
type FrameOf<Type extends ClientFrame['type']> = Extract<ClientFrame, { type: Type }>

/** A gateway that speaks exactly the protocol and does what a test tells it. */
export type TestGateway = {
  url: string
  received: readonly ClientFrame[]
  /** Ids of messages taken, each once. */
  taken: readonly string[]
  /** Numbers a frame of the session, stores it and sends it to everybody who watches. */
  emit: (frame: NewFrame, sessionId?: string) => SessionFrame
  /** Sends a frame as it is, numbered or not. */
  sendRaw: (frame: unknown) => void
  /** Resolves with the first frame of this type that was not awaited before. */
  until: <Type extends ClientFrame['type']>(type: Type) => Promise<FrameOf<Type>>
  dropConnections: () => void
  setOpen: (isOpen: boolean) => void
  /** Whether this browser is refused for want of a cookie. */
  setLocked: (isLocked: boolean) => void
  setModel: (model: string | undefined) => void
  close: () => Promise<void>
}

/** Of the kind that the page must work under. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

type Session = { id: string; title: string; frames: SessionFrame[] }
type Watcher = { socket: WebSocket; session: Session }

export async function startTestGateway(options: { folder?: string }): Promise<TestGateway> {
  const sessions = new Map<string, Session>()
  const watchers = new Map<WebSocket, Watcher>()
  const received: ClientFrame[] = []
  const taken: string[] = []
  const waiting: { type: string; resolve: (frame: never) => void }[] = []
  const unclaimed: ClientFrame[] = []
  let isOpen = true
  let isLocked = false
  let model: string | undefined

  const server = createServer((request, response) => {
    if (request.url === '/ws') response.writeHead(isLocked ? 401 : 426).end()
    else void serve(request, response, options.folder).then(() => {})
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (!isOpen || isLocked) socket.destroy()
    else sockets.handleUpgrade(request, socket, head, (connection) => sockets.emit('connection', connection))
  })

  const find = (id: string): Session => {
    const session = sessions.get(id) ?? { id, title: '', frames: [] }
    sessions.set(id, session)
    return session
  }
  const say = (socket: WebSocket, frame: ServerFrame) => socket.send(JSON.stringify(ServerFrame.parse(frame)))
  const welcome = (socket: WebSocket, session: Session, lastSeq: number | undefined) => {
    const seq = session.frames.length
    const common = { type: 'welcome', protocol: 1, sessionId: session.id, seq, running: isRunning(session) } as const
    const named = model === undefined ? { hint: 'export OPENAI_API_KEY=…, or install Ollama' } : { model }
    if (lastSeq === undefined) return say(socket, { ...common, ...named, history: historyOf(session.frames) })
    say(socket, { ...common, ...named })
    for (const frame of session.frames.slice(lastSeq)) say(socket, frame)
  }
  const emit = (frame: NewFrame, sessionId?: string): SessionFrame => {
    const session = sessionId === undefined ? [...sessions.values()].at(-1) : find(sessionId)
    if (session === undefined) throw new Error('no session yet')
    const numbered = { ...frame, sessionId: session.id, seq: session.frames.length + 1 } as SessionFrame
    session.frames.push(numbered)
    for (const watcher of watchers.values()) if (watcher.session === session) say(watcher.socket, numbered)
    return numbered
  }
  const list = (socket: WebSocket) => {
    // A session without a word in it is not kept.
    const items = [...sessions.values()]
      .filter(({ frames }) => frames.length > 0)
      .map(({ id, title }, index) => ({
        id,
        title,
        channel: 'web',
        updatedAt: Math.floor(Date.now() / 1000) - (sessions.size - index) * 400,
      }))
    say(socket, { type: 'session.listed', sessions: items })
  }

  const hear = (socket: WebSocket, frame: ClientFrame) => {
    if (frame.type === 'hello') {
      const own = `web:${frame.clientId}`
      const wanted = frame.sessionId ?? own
      const isKnown = wanted === own || (sessions.get(wanted)?.frames.length ?? 0) > 0
      if (!isKnown)
        say(socket, { type: 'error', code: 'SESSION_NOT_FOUND', message: `There is no session '${wanted}'.` })
      const session = find(isKnown ? wanted : own)
      watchers.set(socket, { socket, session })
      return welcome(socket, session, isKnown ? frame.lastSeq : undefined)
    }
    const watcher = watchers.get(socket)
    if (watcher === undefined) throw new Error(`${frame.type} before hello`)
    const { session } = watcher
    switch (frame.type) {
      case 'message': {
        const duplicate = taken.includes(frame.id)
        say(socket, { type: 'message.accepted', id: frame.id, duplicate })
        if (duplicate) return
        taken.push(frame.id)
        if (session.title === '') session.title = frame.text
        const source = { trusted: true, label: 'you, on web' }
        emit({ type: 'message.stored', messageId: frame.id, text: frame.text, source }, session.id)
        return
      }
      case 'approval.answer': {
        const outcome = (
          { approve: 'approved', reject: 'rejected', allow_for_session: 'allowed_for_session' } as const
        )[frame.decision]
        emit({ type: 'approval.resolved', cardId: frame.cardId, outcome, by: 'you, on web' }, session.id)
        return
      }
      case 'session.list':
        return list(socket)
      case 'session.new': {
        const fresh = find(`web:${crypto.randomUUID()}`)
        watcher.session = fresh
        return welcome(socket, fresh, undefined)
      }
      case 'session.open':
        watcher.session = find(frame.sessionId)
        return welcome(socket, watcher.session, undefined)
      case 'session.delete':
        sessions.delete(frame.sessionId)
        if (session.id === frame.sessionId) {
          watcher.session = find(`web:${crypto.randomUUID()}`)
          welcome(socket, watcher.session, undefined)
        }
        return list(socket)
      case 'ping':
        return say(socket, { type: 'pong', nonce: frame.nonce })
    }
  }

  sockets.on('connection', (socket: WebSocket) => {
    socket.on('close', () => watchers.delete(socket))
    socket.on('message', (data) => {
      const frame = ClientFrame.parse(JSON.parse(data.toString()))
      received.push(frame)
      const index = waiting.findIndex(({ type }) => type === frame.type)
      if (index >= 0) waiting.splice(index, 1)[0]?.resolve(frame as never)
      else unclaimed.push(frame)
      hear(socket, frame)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    taken,
    emit,
    sendRaw: (frame) => {
      for (const { socket } of watchers.values()) socket.send(JSON.stringify(frame))
    },
    until: (type) => {
      const index = unclaimed.findIndex((frame) => frame.type === type)
      if (index >= 0) return Promise.resolve(unclaimed.splice(index, 1)[0] as never)
      return new Promise((resolve) => waiting.push({ type, resolve: resolve as (frame: never) => void }))
    },
    dropConnections: () => {
      for (const socket of sockets.clients) socket.terminate()
    },
    setOpen: (open) => {
      isOpen = open
    },
    setLocked: (locked) => {
      isLocked = locked
    },
    setModel: (name) => {
      model = name
    },
    close: async () => {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, folder: string | undefined): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://gateway').pathname
  const name = path === '/' ? 'index.html' : path.slice(1)
  const content = folder === undefined ? undefined : await readFile(join(folder, name)).catch(() => null)
  if (content === undefined || content === null) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, {
    'content-type': MEDIA_TYPES[extname(name)] ?? 'application/octet-stream',
    'content-security-policy': CONTENT_SECURITY_POLICY,
  })
  response.end(content)
}

function isRunning(session: Session): boolean {
  const last = session.frames.findLast(({ type }) => type === 'turn.started' || type === 'turn.finished')
  return last?.type === 'turn.started'
}

/** What a client that comes late is told of the frames so far. */
function historyOf(frames: readonly SessionFrame[]): HistoryItem[] {
  const at = 1_700_000_000
  return frames.flatMap((frame): HistoryItem[] => {
    switch (frame.type) {
      case 'message.stored':
        return [{ kind: 'user', messageId: frame.messageId, text: frame.text, source: frame.source, at }]
      case 'turn.finished':
        return frame.text === '' ? [] : [{ kind: 'assistant', turnId: frame.turnId, text: frame.text, at }]
      case 'tool.finished': {
        const started = frames.find((other) => other.type === 'tool.started' && other.call.callId === frame.callId)
        if (started?.type !== 'tool.started') throw new Error(`tool.finished without tool.started: ${frame.callId}`)
        const { turnId, output, isError } = frame
        return [{ kind: 'tool', turnId, call: started.call, output, isError, at }]
      }
      case 'approval.requested': {
        const end = frames.find((other) => other.type === 'approval.resolved' && other.cardId === frame.card.id)
        const outcome = end?.type === 'approval.resolved' ? { outcome: end.outcome } : {}
        return [{ kind: 'card', card: frame.card, ...outcome, at }]
      }
      case 'notice':
        return [{ kind: 'notice', text: frame.text, tone: frame.tone, at }]
      default:
        return []
    }
  })
}
