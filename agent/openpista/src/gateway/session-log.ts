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

/** What is shown before it is stored is on disk after at most this long. */
const SAVE_MS = 300

/** What a start after a crash skips, so that a number a client may have seen is never given out again. */
const CRASH_GAP = 10_000

type Work = (transaction: Transaction) => Promise<unknown>

/**
 * The numbered frames of one session: gives out the numbers, stores and publishes; and what is to be stored beside
 * them, in the same order and transactions.
 *
 * Streamed text and tools at work are published at once and stored soon after; every other frame is published once it
 * is on disk. Order of publication is the order of numbers.
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
  /** Works that wait for the next commit. Counted from the first ever: `#done` are on disk, `#ran` at least begun. */
  #kept: Work[] = []
  #done = 0
  #ran = 0
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

  /** Numbers a frame and publishes it at once, unless one before it must be stored first. It is stored soon. */
  show(frame: NewFrame): void {
    this.#flushText()
    this.#showNow(frame)
  }

  /** Stores `work` soon, and at the latest with the next commit; works run in the order in which they were given. */
  later(work: Work): void {
    this.#kept.push(work)
    this.#saveSoon()
  }

  /** Gives up what waits for the next commit: a commit failed and will fail again. */
  discard(): void {
    this.#done += this.#kept.length
    this.#ran = this.#done
    this.#kept = []
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
   * Runs what waits and then `work`, and stores all frames so far, in one transaction; then publishes the frames.
   * Frames that `work` appends are among them.
   */
  readonly commit = async <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> => {
    try {
      const { result, upTo, ran } = await this.#store.write((transaction) => this.#write(transaction, work))
      this.#saved(upTo, ran)
      return result
    } catch (error) {
      this.#written = this.#confirmed
      this.#ran = this.#done
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
    this.#showNow({ type: 'text.delta', turnId, text })
  }

  /** Inside a transaction that others may share: what fails here leaves nothing, and does not fail them. */
  async #write<Result>(transaction: Transaction, work: (transaction: Transaction) => Promise<Result>) {
    const before = { ran: this.#ran, written: this.#written }
    try {
      while (this.#ran < this.#done + this.#kept.length) {
        await this.#kept[this.#ran - this.#done]!(transaction)
        this.#ran += 1
      }
      const result = await work(transaction)
      this.#flushText()
      return { result, upTo: await this.#save(transaction), ran: this.#ran }
    } catch (error) {
      this.#ran = before.ran
      this.#written = before.written
      throw error
    }
  }

  #showNow(frame: NewFrame): void {
    const mayPublish = this.#sent === this.#unsaved.length
    const numbered = this.#number(frame)
    if (mayPublish) {
      this.#sent += 1
      this.#publish(numbered)
    }
    this.#saveSoon()
  }

  #saveSoon(): void {
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
    if (fresh.length === 0) return upTo
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

  #saved(upTo: number, ran: number): void {
    this.#confirmed = Math.max(this.#confirmed, upTo)
    // Another commit of the same transaction may have told of them already.
    this.#kept.splice(0, Math.max(0, ran - this.#done))
    this.#done = Math.max(this.#done, ran)
    this.#ran = Math.max(this.#ran, this.#done)
    clearTimeout(this.#saveTimer)
    this.#saveTimer = undefined
    while (this.#unsaved.length > 0 && this.#unsaved[0]!.seq <= upTo) {
      const frame = this.#unsaved.shift()!
      if (this.#sent > 0) this.#sent -= 1
      else this.#publish(frame)
    }
    if (this.#kept.length > 0 || this.#unsaved.length > 0) this.#saveSoon()
  }
}

export type SessionLogParts = {
  store: Store
  publish: (frame: SessionFrame) => void
  now: () => number
  onFault: (error: unknown) => void
}
