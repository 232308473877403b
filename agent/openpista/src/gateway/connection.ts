import { newId } from '@openpista/common'
import { ClientFrame, type ControlFrame, PROTOCOL_VERSION, type SessionFrame } from '../protocol/index.ts'
import type { Gateway } from './gateway.ts'
import type { NewSession } from './log-book.ts'

/** A frame, as text, is at most this long. */
export const MAX_FRAME_BYTES = 1024 * 1024

/** A client that leaves this much unread is sent away; it comes back with the last number it has seen. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024
const MAX_PENDING_FRAMES = 200

/** How a connection reaches its client, whatever carries the frames. */
export type Transport = {
  send: (text: string) => void
  /** Bytes handed over and not yet sent. */
  buffered: () => number
  close: (reason: string) => void
}

export type ConnectionParts = {
  gateway: Gateway
  /** Channel that the client speaks for: `web`, `cli`. */
  channel: string
  /** The session's model, or what to do when there is none. */
  describeModel: (sessionId: string) => Promise<{ model?: string; hint?: string }>
  /** A session that every client may open although nothing was said there yet; a web client without one opens it. */
  shared: NewSession | undefined
  onFault: (error: unknown) => void
}

/**
 * One client of the gateway protocol. Frames of the client are handled one after the other; a bad one is answered
 * with an error frame and the connection stays.
 */
export class Connection {
  readonly #parts: ConnectionParts
  readonly #transport: Transport
  #clientId: string | undefined
  #session: NewSession | undefined
  /** Highest frame number sent; `undefined` while a session is being opened, when frames wait in `#backlog`. */
  #seq: number | undefined
  #backlog: SessionFrame[] = []
  #pending = 0
  #queue: Promise<void> = Promise.resolve()
  #closed = false

  constructor(transport: Transport, parts: ConnectionParts) {
    this.#transport = transport
    this.#parts = parts
  }

  get sessionId(): string | undefined {
    return this.#session?.id
  }

  /** A frame from the client, as text. */
  receive(text: string): void {
    if (this.#closed) return
    if (this.#pending >= MAX_PENDING_FRAMES) {
      this.#close('too many frames at once')
      return
    }
    this.#pending += 1
    this.#queue = this.#queue
      .then(() => this.#handle(text))
      .catch((error: unknown) => {
        this.#parts.onFault(error)
        this.#error('INTERNAL', 'The gateway could not do this. Its log says why.')
      })
      .finally(() => {
        this.#pending -= 1
      })
  }

  /** A frame of the session that this client watches. `text` is the frame as JSON. */
  publish(frame: SessionFrame, text: string): void {
    if (this.#seq === undefined) this.#backlog.push(frame)
    else if (frame.seq > this.#seq) {
      this.#seq = frame.seq
      this.#sendText(text)
    }
  }

  /** The transport is gone. */
  end(): void {
    this.#closed = true
    this.#session = undefined
  }

  async #handle(text: string): Promise<void> {
    if (this.#closed) return
    const frame = parseFrame(text)
    if (!frame.ok) return this.#error('BAD_FRAME', frame.message, frame.id)
    if (frame.value.type === 'ping') return this.#send({ type: 'pong', nonce: frame.value.nonce })
    if (frame.value.type === 'hello') return await this.#hello(frame.value)
    const session = this.#session
    if (this.#clientId === undefined || session === undefined) {
      return this.#error('HELLO_FIRST', 'Say hello first.', undefined, 'The first frame is of type "hello".')
    }
    await this.#serve(frame.value, session, this.#clientId)
  }

  async #hello(frame: Extract<ClientFrame, { type: 'hello' }>): Promise<void> {
    this.#clientId = frame.clientId
    const { shared } = this.#parts
    const own = shared?.channel === this.#parts.channel ? shared : this.#ownSession(frame.clientId)
    if (frame.sessionId === undefined || frame.sessionId === own.id) return await this.#open(own, frame.lastSeq)
    if (!(await this.#openKnown(frame.sessionId, frame.lastSeq))) await this.#open(own, undefined)
  }

  async #serve(frame: Served, session: NewSession, clientId: string): Promise<void> {
    const { gateway, channel } = this.#parts
    switch (frame.type) {
      case 'message': {
        const { id, text } = frame
        const inbound = { channel, chat: clientId, user: clientId, id, text, owner: true }
        const { duplicate } = await gateway.admitTo(session, inbound)
        return this.#send({ type: 'message.accepted', id, duplicate })
      }
      case 'approval.answer': {
        const taken = await gateway.answer(session.id, frame.cardId, frame.decision, `owner:${channel}`)
        if (taken) return
        return this.#error('CARD_NOT_OPEN', 'This card cannot be answered so from here, or is closed.', frame.cardId)
      }
      case 'cancel':
        return await gateway.cancel(session.id)
      case 'session.list':
        return await this.#list()
      case 'session.new':
        return await this.#open(this.#ownSession(newId()), undefined)
      case 'session.open':
        await this.#openKnown(frame.sessionId, undefined)
        return
      case 'session.delete':
        await gateway.remove(frame.sessionId)
        if (frame.sessionId === session.id) await this.#open(this.#ownSession(newId()), undefined)
        return await this.#list()
    }
  }

  #ownSession(chat: string): NewSession {
    const { channel } = this.#parts
    return { id: `${channel}:${chat}`, channel, address: { chat } }
  }

  async #list(): Promise<void> {
    this.#send({ type: 'session.listed', sessions: await this.#parts.gateway.list() })
  }

  async #openKnown(sessionId: string, lastSeq: number | undefined): Promise<boolean> {
    const { gateway, shared } = this.#parts
    if (shared?.id === sessionId) {
      await this.#open(shared, lastSeq)
      return true
    }
    if ((await gateway.open(sessionId, 0)) !== undefined) {
      await this.#open({ id: sessionId, channel: '', address: { chat: '' } }, lastSeq)
      return true
    }
    this.#error('SESSION_NOT_FOUND', `There is no session '${sessionId}'.`)
    return false
  }

  /** Watches the session first and reads it then, so that no frame falls between. A new session is empty until used. */
  async #open(session: NewSession, lastSeq: number | undefined): Promise<void> {
    this.#session = session
    this.#seq = undefined
    this.#backlog = []
    const opening = await this.#parts.gateway.open(session.id, lastSeq)
    const { seq, running, history, frames } = opening ?? { seq: 0, running: false, history: [], frames: [] }
    const about = await this.#parts.describeModel(session.id)
    this.#send({
      type: 'welcome',
      protocol: PROTOCOL_VERSION,
      sessionId: session.id,
      seq: history === undefined ? (lastSeq ?? seq) : seq,
      ...(history === undefined ? {} : { history }),
      running,
      ...about,
    })
    this.#seq = history === undefined ? (lastSeq ?? seq) : seq
    const backlog = this.#backlog
    this.#backlog = []
    for (const frame of [...frames, ...backlog]) this.publish(frame, JSON.stringify(frame))
  }

  #error(code: string, message: string, id?: string, hint?: string): void {
    this.#send({
      type: 'error',
      code,
      message,
      ...(id === undefined ? {} : { id }),
      ...(hint === undefined ? {} : { hint }),
    })
  }

  #send(frame: ControlFrame): void {
    this.#sendText(JSON.stringify(frame))
  }

  #sendText(text: string): void {
    if (this.#closed) return
    if (this.#transport.buffered() > MAX_BUFFERED_BYTES) this.#close('too slow; come back with lastSeq')
    else this.#transport.send(text)
  }

  #close(reason: string): void {
    this.end()
    this.#transport.close(reason)
  }
}

type Served = Exclude<ClientFrame, { type: 'hello' | 'ping' }>

type Parsed = { ok: true; value: ClientFrame } | { ok: false; message: string; id: string | undefined }

function parseFrame(text: string): Parsed {
  if (Buffer.byteLength(text) > MAX_FRAME_BYTES)
    return { ok: false, message: 'A frame is at most 1 MiB.', id: undefined }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { ok: false, message: 'A frame is one JSON object.', id: undefined }
  }
  const result = ClientFrame.safeParse(json)
  if (result.success) return { ok: true, value: result.data }
  const issue = result.error.issues[0]
  const id = (json as { id?: unknown } | null)?.id
  const at = issue?.path.join('.')
  const message = `Bad frame${at ? ` at ${at}` : ''}: ${issue?.message ?? 'unknown'}`
  return { ok: false, message, id: typeof id === 'string' ? id.slice(0, 100) : undefined }
}
