import { sql } from 'kysely'
import type { SessionFrame } from '../protocol/index.ts'
import type { Store, Transaction } from '../store/store.ts'

type WithoutNumber<Frame> = Frame extends SessionFrame ? Omit<Frame, 'sessionId' | 'seq'> : never

/** A frame before the session's log has numbered it. */
export type NewFrame = WithoutNumber<SessionFrame>

/** Frames of one session that stay on disk for clients that reconnect; older ones are replaced by the history. */
const KEPT_FRAMES = 2_000

/** Text that arrives faster than this is sent in one frame. */
const COALESCE_MS = 12

/** Streamed text is on disk after at most this long. */
const SAVE_MS = 300

/** What a start after a crash skips, so that a number a client may have seen is never given out again. */
const CRASH_GAP = 10_000

/**
 * The numbered frames of one session: gives out the numbers, stores and publishes.
 *
 * Streamed text is published at once and stored soon after; every other frame is published once it is on disk.
 * Order of publication is the order of numbers.
 */
export class SessionLog {
  readonly sessionId: string
  readonly #store: Store
  readonly #publish: (frame: SessionFrame) => void
  readonly #now: () => number
  #seq: number
  /** Given a number, not yet known to be on disk; `#sent` of them are published. */
  #unsaved: SessionFrame[] = []
  #sent = 0
  /** Handed to the database, and known to be on disk. They differ while a transaction runs. */
  #written: number
  #confirmed: number
  #text: { turnId: string; text: string } | undefined
  #textTimer: NodeJS.Timeout | undefined
  #saveTimer: NodeJS.Timeout | undefined
  #lastText = 0
  readonly #onFault: (error: unknown) => void

  constructor(sessionId: string, seq: number, parts: SessionLogParts) {
    this.sessionId = sessionId
    this.#seq = seq
    this.#written = seq
    this.#confirmed = seq
    this.#store = parts.store
    this.#publish = parts.publish
    this.#now = parts.now
    this.#onFault = parts.onFault
  }

  /** The last number given out. */
  get seq(): number {
    return this.#seq
  }

  /** Numbers a frame. It is stored and published with the next `commit`. */
  append(frame: NewFrame): void {
    this.#flushText()
    this.#number(frame)
  }

  /** Streams text of a turn: published within a few milliseconds. */
  text(turnId: string, delta: string): void {
    if (this.#text !== undefined && this.#text.turnId !== turnId) this.#flushText()
    this.#text = { turnId, text: (this.#text?.text ?? '') + delta }
    if (this.#textTimer !== undefined) return
    const sinceLast = performance.now() - this.#lastText
    if (sinceLast >= COALESCE_MS) this.#flushText()
    else this.#textTimer = setTimeout(() => this.#flushText(), COALESCE_MS - sinceLast)
  }

  /**
   * Runs `work` and stores all frames so far in one transaction; then publishes them.
   * Frames that `work` appends are among them.
   */
  async commit<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    try {
      const { result, upTo } = await this.#store.write(async (transaction) => {
        const result = await work(transaction)
        this.#flushText()
        return { result, upTo: await this.#save(transaction) }
      })
      this.#saved(upTo)
      return result
    } catch (error) {
      this.#written = this.#confirmed
      throw error
    }
  }

  /** After a crash: the frames that were published and not stored keep their numbers to themselves. */
  skipAfterCrash(): void {
    this.#seq += CRASH_GAP
    this.#written = this.#seq
    this.#confirmed = this.#seq
  }

  close(): void {
    clearTimeout(this.#textTimer)
    clearTimeout(this.#saveTimer)
  }

  #flushText(): void {
    clearTimeout(this.#textTimer)
    this.#textTimer = undefined
    if (this.#text === undefined) return
    const { turnId, text } = this.#text
    this.#text = undefined
    this.#lastText = performance.now()
    const mayPublish = this.#sent === this.#unsaved.length
    const frame = this.#number({ type: 'text.delta', turnId, text })
    if (mayPublish) {
      this.#sent += 1
      this.#publish(frame)
    }
    this.#saveTimer ??= setTimeout(() => {
      this.#saveTimer = undefined
      this.commit(async () => {}).catch(this.#onFault)
    }, SAVE_MS)
  }

  #number(frame: NewFrame): SessionFrame {
    this.#seq += 1
    const numbered = { ...frame, sessionId: this.sessionId, seq: this.#seq } as SessionFrame
    this.#unsaved.push(numbered)
    return numbered
  }

  async #save(transaction: Transaction): Promise<number> {
    const fresh = this.#unsaved.filter((frame) => frame.seq > this.#written)
    const upTo = this.#seq
    const created_at = this.#now()
    const rows = fresh.map((frame) => ({
      session_id: this.sessionId,
      seq: frame.seq,
      body: JSON.stringify(frame),
      created_at,
    }))
    for (let start = 0; start < rows.length; start += 200) {
      const values = rows.slice(start, start + 200)
      await transaction
        .insertInto('frames')
        .values(values)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    await sql`UPDATE sessions SET seq = ${upTo}, updated_at = ${created_at} WHERE id = ${this.sessionId}`.execute(
      transaction,
    )
    if (Math.floor(upTo / 500) !== Math.floor(this.#written / 500)) {
      await transaction
        .deleteFrom('frames')
        .where('session_id', '=', this.sessionId)
        .where('seq', '<', upTo - KEPT_FRAMES)
        .execute()
    }
    this.#written = upTo
    return upTo
  }

  #saved(upTo: number): void {
    this.#confirmed = Math.max(this.#confirmed, upTo)
    clearTimeout(this.#saveTimer)
    this.#saveTimer = undefined
    while (this.#unsaved.length > 0 && this.#unsaved[0]!.seq <= upTo) {
      const frame = this.#unsaved.shift()!
      if (this.#sent > 0) this.#sent -= 1
      else this.#publish(frame)
    }
  }
}

export type SessionLogParts = {
  store: Store
  publish: (frame: SessionFrame) => void
  now: () => number
  onFault: (error: unknown) => void
}
