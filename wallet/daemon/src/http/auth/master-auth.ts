import { type Clock, immediate, newSecret } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { Signer } from '../../signer/signer.ts'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { tokenHash } from './session-tokens.ts'

export const ADMIN_PREFIX = 'wai_admin_'
export const IDLE_SECONDS = 900
const LIFETIME_SECONDS = 8 * 3600
const MAX_FAILURES = 5
const FAILURE_WINDOW_SECONDS = 900
const LOCK_SECONDS = 1800
const FORGET_FAILURES_SECONDS = 86_400
/** `used_at` is written at most this often, so that reading costs no write. */
const TOUCH_SECONDS = 30
const MAX_WAITING_CHECKS = 16

export type MasterAuth = {
  /** @throws AppError INVALID_MASTER_PASSWORD, MASTER_PASSWORD_LOCKED. */
  login: (password: string, source: string) => Promise<{ token: string; expiresAt: number; idleSeconds: number }>
  /** The same check, for one call that brings the password itself. */
  checkPassword: (password: string, source: string) => Promise<void>
  /** @returns the token's hash. @throws AppError INVALID_TOKEN, TOKEN_EXPIRED. */
  checkToken: (token: string) => Promise<string>
  logout: (hash: string) => Promise<void>
}

export function createMasterAuth(parts: {
  db: Kysely<Tables>
  signer: Pick<Signer, 'checkPassword'>
  clock: Clock
}): MasterAuth {
  const { db, signer, clock } = parts
  const oneAtATime = createQueue()

  const check = (password: string, source: string, via: string) =>
    oneAtATime(async () => {
      await assertNotLocked(db, source, clock.seconds())
      const right = await signer.checkPassword(password)
      const now = clock.seconds()
      if (right) return await recordSuccess(db, source, now, via)
      await recordFailure(db, source, now)
      throw fail('INVALID_MASTER_PASSWORD', 'The master password is wrong.')
    })

  return {
    login: async (password, source) => {
      await check(password, source, 'login')
      const now = clock.seconds()
      const token = `${ADMIN_PREFIX}${newSecret()}`
      const expires = now + LIFETIME_SECONDS
      await db.deleteFrom('admin_tokens').where('expires_at', '<', now).execute()
      await db
        .insertInto('admin_tokens')
        .values({ token_hash: tokenHash(token), created_at: now, used_at: now, expires_at: expires, revoked_at: null })
        .execute()
      return { token, expiresAt: expires, idleSeconds: IDLE_SECONDS }
    },
    checkPassword: (password, source) => check(password, source, 'header'),
    checkToken: async (token) => {
      const hash = tokenHash(token)
      const row = await db.selectFrom('admin_tokens').selectAll().where('token_hash', '=', hash).executeTakeFirst()
      const hint = 'Log in again: POST /v1/admin/login.'
      if (row === undefined || row.revoked_at !== null) {
        throw fail('INVALID_TOKEN', 'The operator token is not valid.', { hint })
      }
      const now = clock.seconds()
      if (now >= row.expires_at || now - row.used_at >= IDLE_SECONDS) {
        throw fail('TOKEN_EXPIRED', 'The operator login has ended.', { hint })
      }
      if (now - row.used_at >= TOUCH_SECONDS) {
        await db.updateTable('admin_tokens').set({ used_at: now }).where('token_hash', '=', hash).execute()
      }
      return hash
    },
    logout: async (hash) => {
      await immediate(db, async (transaction) => {
        const now = clock.seconds()
        await transaction.updateTable('admin_tokens').set({ revoked_at: now }).where('token_hash', '=', hash).execute()
        await appendEvent(transaction, now, { type: 'ADMIN_LOGOUT', actor: 'admin' })
      })
    },
  }
}

/** Locked: the last five failures lie within 15 minutes of each other, and the newest is less than 30 minutes old. */
async function assertNotLocked(db: Kysely<Tables>, source: string, now: number): Promise<void> {
  const failures = await db
    .selectFrom('login_failures')
    .select('at')
    .where('source', '=', source)
    .orderBy('id', 'desc')
    .limit(MAX_FAILURES)
    .execute()
  const [newest, oldest] = [failures[0], failures[MAX_FAILURES - 1]]
  if (newest === undefined || oldest === undefined) return
  const left = newest.at + LOCK_SECONDS - now
  if (newest.at - oldest.at > FAILURE_WINDOW_SECONDS || left <= 0) return
  throw fail('MASTER_PASSWORD_LOCKED', 'Too many wrong master passwords from this address.', {
    details: { retryAfterSeconds: left },
  })
}

async function recordFailure(db: Kysely<Tables>, source: string, now: number): Promise<void> {
  await immediate(db, async (transaction) => {
    const old = now - FORGET_FAILURES_SECONDS
    await transaction.deleteFrom('login_failures').where('at', '<', old).execute()
    await transaction.insertInto('login_failures').values({ source, at: now }).execute()
    await appendEvent(transaction, now, {
      type: 'AUTH_FAILED',
      actor: `source:${source}`,
      data: { credential: 'master' },
    })
  })
}

async function recordSuccess(db: Kysely<Tables>, source: string, now: number, via: string): Promise<void> {
  await immediate(db, async (transaction) => {
    await transaction.deleteFrom('login_failures').where('source', '=', source).execute()
    await appendEvent(transaction, now, { type: 'ADMIN_LOGIN', actor: 'admin', data: { source, via } })
  })
}

/**
 * One password check at a time: each takes 64 MiB and all cores, and tries that run side by side would
 * all start before the first failure is counted.
 */
function createQueue(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (work) => {
    if (waiting >= MAX_WAITING_CHECKS) {
      throw fail('RATE_LIMIT_EXCEEDED', 'Too many logins at once.', { details: { retryAfterSeconds: 5 } })
    }
    waiting += 1
    const turn = last.then(work, work)
    last = turn.catch(() => {
      // Whoever asked gets the error; the next in line only waits for the end.
    })
    try {
      await turn
    } finally {
      waiting -= 1
    }
  }
}
