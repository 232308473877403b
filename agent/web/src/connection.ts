import type { ClientFrame, ServerFrame } from 'openpista/protocol'
import { parseServerFrame } from './frame-guard.ts'

/**
 * Where the line to the gateway stands. `retryAt`: milliseconds since 1970. `offline`: the machine has no network.
 * `locked`: the gateway answers, but not to this browser.
 */
export type Link =
  | { state: 'connecting' }
  | { state: 'connected' }
  | { state: 'waiting'; retryAt: number }
  | { state: 'offline' }
  | { state: 'locked' }

export type ConnectionParts = {
  /** `ws:` or `wss:` address of the gateway. */
  url: string
  /** The first frame of every connection. */
  hello: () => Extract<ClientFrame, { type: 'hello' }>
  onFrame: (frame: ServerFrame) => void
  onLink: (link: Link) => void
  isOnline: () => boolean
  /** Asks why a connection was refused: true when this browser has no right to talk. Never rejects. */
  isLockedOut: () => Promise<boolean>
  /** 0 to 1, for the jitter. */
  random: () => number
}

export type Connection = {
  /** Sends now, or says that it could not; nothing is kept. */
  send: (frame: ClientFrame) => boolean
  /** Drops the line and connects anew at once. */
  restart: () => void
  /** Does not wait any longer when it waits. */
  hurry: () => void
  close: () => void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
const HEARTBEAT_MS = 15_000
const PATIENCE_MS = 10_000

/** Keeps a WebSocket to the gateway alive: heartbeat, reconnect with growing waits and jitter. */
export function connect(parts: ConnectionParts): Connection {
  return new ReconnectingSocket(parts)
}

/** How long to wait before attempt `failures + 1`: doubling, at most 15 s, of which half is random. */
export function backoff(failures: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10))
  return Math.round(longest * (0.5 + random / 2))
}

class ReconnectingSocket implements Connection {
  readonly #parts: ConnectionParts
  #socket: WebSocket | undefined
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #heartbeat: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#open()
  }

  send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(frame))
    return true
  }

  restart(): void {
    this.#failures = 0
    this.#leave()
    this.#open()
  }

  hurry(): void {
    if (this.#retry !== undefined) this.restart()
  }

  close(): void {
    this.#closed = true
    this.#leave()
  }

  /** Lets go of the socket and of every timer; the socket's late events find nobody. */
  #leave(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#heartbeat)
    this.#retry = undefined
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  #open(): void {
    this.#parts.onLink({ state: 'connecting' })
    const socket = new WebSocket(this.#parts.url)
    this.#socket = socket
    let wasOpen = false
    socket.onopen = () => {
      if (this.#socket !== socket) return
      wasOpen = true
      this.send(this.#parts.hello())
      this.#expectAnswer(PATIENCE_MS)
    }
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return
      this.#keepAlive()
      const frame = parseServerFrame(data)
      if (frame === undefined) return
      if (frame.type === 'welcome') {
        this.#failures = 0
        this.#parts.onLink({ state: 'connected' })
      }
      this.#parts.onFrame(frame)
    }
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose(wasOpen)
    }
  }

  /** A connection that never opened may have been refused; only asking tells. */
  #lose(wasOpen: boolean): void {
    this.#leave()
    if (!this.#parts.isOnline()) {
      this.#retryLater(() => ({ state: 'offline' }))
    } else if (wasOpen) {
      this.#retryLater((retryAt) => ({ state: 'waiting', retryAt }))
    } else {
      void this.#parts.isLockedOut().then((isLocked) => {
        this.#retryLater((retryAt) => (isLocked ? { state: 'locked' } : { state: 'waiting', retryAt }))
      })
    }
  }

  #retryLater(link: (retryAt: number) => Link): void {
    if (this.#closed || this.#socket !== undefined || this.#retry !== undefined) return
    const wait = backoff(this.#failures, this.#parts.random())
    this.#failures += 1
    this.#parts.onLink(link(Date.now() + wait))
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#open()
    }, wait)
  }

  /** Any frame is a sign of life; silence is answered with a ping, and more silence ends the connection. */
  #keepAlive(): void {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => {
      this.send({ type: 'ping', nonce: `${Date.now()}` })
      this.#expectAnswer(PATIENCE_MS)
    }, HEARTBEAT_MS)
  }

  #expectAnswer(patience: number): void {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => this.#lose(true), patience)
  }
}
