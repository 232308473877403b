import { isDeepStrictEqual } from 'node:util'
import type { Provenance } from './domain/provenance.ts'
import type { LogBook } from './gateway/log-book.ts'
import type { SessionLog } from './gateway/session-log.ts'
import type { LoopEnd } from './loop.ts'
import { CANCELLED, type SessionParts, SessionRunner } from './session.ts'
import { appendNotice } from './store/conversation.ts'
import type { Transaction } from './store/store.ts'
import { endTurn, type OpenTurn, openTurns, resumeTurn } from './store/turns.ts'
import { markStopped, workerSessions } from './store/workers.ts'

/** The runners of all sessions. Many run at once; each by itself is in order. */
export type Sessions = {
  /** A message may be waiting there. */
  wake: (sessionId: string) => Promise<void>
  /** Stops what runs there, and its workers. */
  cancel: (sessionId: string) => Promise<void>
  /** Stops the running turn, and nothing else. */
  cancelTurn: (sessionId: string) => Promise<void>
  /** Whether the running turn is one that this person asked for. */
  isFor: (sessionId: string, sender: Provenance) => boolean
  running: (sessionId: string) => boolean
  /** Stops what runs there and forgets the session. */
  forget: (sessionId: string) => Promise<void>
  /** Takes up what an earlier process left: open turns go on or are closed in words, waiting messages get their turn. */
  recover: () => Promise<void>
  stop: (graceMs: number) => Promise<void>
}

/** A turn that was open at this many starts in a row is closed: it may be what brings the program down. */
const MAX_RESUMES = 2

export function createSessions(book: LogBook, parts: SessionParts): Sessions {
  const runners = new Map<string, SessionRunner>()

  async function runner(sessionId: string): Promise<SessionRunner | undefined> {
    const known = runners.get(sessionId)
    if (known !== undefined) return known
    const log = await book.find(sessionId)
    if (log === undefined) return undefined
    const made = runners.get(sessionId) ?? new SessionRunner(log, parts)
    runners.set(sessionId, made)
    return made
  }

  return {
    wake: async (sessionId) => (await runner(sessionId))?.wake(),
    cancel: async (sessionId) => {
      const all = [sessionId, ...(await workerSessions(parts.store.db, sessionId))]
      await markStopped(parts.store, all)
      await Promise.all(all.map((id) => runners.get(id)?.cancel()))
    },
    cancelTurn: async (sessionId) => await runners.get(sessionId)?.cancel(),
    isFor: (sessionId, sender) => {
      const asked = runners.get(sessionId)?.sender
      return asked !== undefined && isDeepStrictEqual(asked, sender)
    },
    running: (sessionId) => runners.get(sessionId)?.running === true,
    forget: async (sessionId) => {
      await runners.get(sessionId)?.stop(0)
      runners.delete(sessionId)
    },
    recover: async () => {
      const open = await openTurns(parts.store.db)
      for (const { sessionId } of open) (await book.find(sessionId))!.skipAfterCrash()
      for (const turn of open) {
        await expireCards(turn.id, parts)
        if (await reopenTurn((await book.find(turn.sessionId))!, turn, parts)) {
          ;(await runner(turn.sessionId))?.resume(turn)
        }
      }
      const waiting = await parts.store.db
        .selectFrom('inbox')
        .select('session_id')
        .distinct()
        .where('state', '=', 'WAITING')
        .execute()
      for (const { session_id } of waiting) (await runner(session_id))?.wake()
    },
    stop: async (graceMs) => {
      await Promise.all([...runners.values()].map((each) => each.stop(graceMs)))
    },
  }
}

/** Takes up a turn that an earlier process left; answers whether it goes on, or was closed in words. */
async function reopenTurn(log: SessionLog, turn: OpenTurn, parts: SessionParts): Promise<boolean> {
  const now = parts.now()
  const goesOn = turn.resumes < MAX_RESUMES && !turn.cancelled
  await log.commit(async (transaction) => {
    if (!goesOn) return await closeTurn(transaction, log, turn, parts)
    const notice = { text: RESUMED, tone: 'info' as const }
    await appendNotice(transaction, { sessionId: turn.sessionId, turnId: turn.id, at: now }, notice)
    await resumeTurn(transaction, turn, now)
    log.append({ type: 'notice', ...notice })
    log.append({ type: 'turn.started', turnId: turn.id, messageId: turn.inbound.id })
  })
  return goesOn
}

/** The turn that asked waits no more; when it goes on it asks anew. */
async function expireCards(turnId: string, { store, cards }: SessionParts): Promise<void> {
  const open = await store.db
    .selectFrom('cards')
    .select('id')
    .where('turn_id', '=', turnId)
    .where('outcome', 'is', null)
    .execute()
  for (const { id } of open) await cards.resolve(id, 'expired', 'restart')
}

async function closeTurn(
  transaction: Transaction,
  log: SessionLog,
  turn: OpenTurn,
  parts: SessionParts,
): Promise<void> {
  const end: LoopEnd = turn.cancelled
    ? { status: 'aborted', ...NOTHING }
    : { status: 'error', code: 'ABORTED', message: GIVEN_UP, ...NOTHING }
  const text = turn.cancelled ? CANCELLED : GIVEN_UP
  const now = parts.now()
  await transaction
    .updateTable('tool_calls')
    .set({ state: 'INTERRUPTED', updated_at: now })
    .where('turn_id', '=', turn.id)
    .where('state', 'in', ['ASKED', 'STARTED'])
    .execute()
  const closing = { end, fault: text, text, now, isLive: parts.isLive }
  if (await endTurn(transaction, turn, closing)) queueMicrotask(parts.onOutbox)
  log.append({ type: 'turn.finished', turnId: turn.id, status: end.status, text })
}

const NOTHING = { text: '', usage: { inputTokens: 0, outputTokens: 0 }, rounds: 0 }
const RESUMED = 'openpista was restarted and goes on with this.'
/** The words of a turn that is not taken up once more. */
export const GIVEN_UP =
  '❌ openpista was stopped while it worked on this, more than once. It was given up; please ask again.'
