import { insertSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { SessionLog, type SessionLogParts } from './session-log.ts'

export type NewSession = {
  id: string
  channel: string
  /** Where answers go on that channel. */
  address: { chat: string; thread?: string }
}

/** The logs of all sessions, one object each, opened when first used. */
export type LogBook = {
  find: (sessionId: string) => Promise<SessionLog | undefined>
  /** Makes the session when there is none. */
  open: (session: NewSession) => Promise<SessionLog>
  /** Deletes the session with everything in it. */
  remove: (sessionId: string) => Promise<void>
  close: () => Promise<void>
}

export function createLogBook(parts: SessionLogParts): LogBook {
  const logs = new Map<string, Promise<SessionLog | undefined>>()

  const remember = (sessionId: string, log: Promise<SessionLog | undefined>) => {
    logs.set(sessionId, log)
    return log
  }

  return {
    find: async (sessionId) => {
      const log = await (logs.get(sessionId) ?? remember(sessionId, read(sessionId, parts)))
      if (log === undefined) logs.delete(sessionId)
      return log
    },
    open: async (session) => {
      const known = await logs.get(session.id)
      if (known !== undefined) return known
      return (await remember(session.id, create(session, parts)))!
    },
    remove: async (sessionId) => {
      const log = await logs.get(sessionId)
      log?.close()
      logs.delete(sessionId)
      await removeSession(parts.store, sessionId)
    },
    close: async () => {
      for (const log of await Promise.all(logs.values())) log?.close()
    },
  }
}

async function read(sessionId: string, parts: SessionLogParts): Promise<SessionLog | undefined> {
  const row = await parts.store.db.selectFrom('sessions').select('seq').where('id', '=', sessionId).executeTakeFirst()
  return row === undefined ? undefined : new SessionLog(sessionId, row.seq, parts)
}

async function create(session: NewSession, parts: SessionLogParts): Promise<SessionLog> {
  await parts.store.write((transaction) => insertSession(transaction, { ...session, model: null }, parts.now()))
  return (await read(session.id, parts))!
}

async function removeSession(store: Store, sessionId: string): Promise<void> {
  await store.write(async (transaction) => {
    await transaction.deleteFrom('outbox').where('session_id', '=', sessionId).where('state', '=', 'WAITING').execute()
    await transaction.deleteFrom('sessions').where('id', '=', sessionId).execute()
  })
}
