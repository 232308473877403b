import { type Clock, immediate, newSecret } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { Signer } from '../../signer/signer.ts'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { createPasswordQueue, type Lane } from './password-queue.ts'
import { tokenHash } from './session-tokens.ts'

export const ADMIN_PREFIX = 'wai_admin_'
export const IDLE_SECONDS = 900
const LIFETIME_SECONDS = 8 * 3600
/** For so long a wrong password slows down the checks of its lane, over restarts too. */
const FAILURE_SECONDS = 900
/** `used_at` is written at most this often, so that reading costs no write. */
const TOUCH_SECONDS = 30
/** What to wait where a lane is full, in seconds. */
const FULL_SECONDS = 5

/** `source`: the address, for the log. */
export type Asker = Lane & { source: string }

export type MasterAuth = {
  /** @throws AppError INVALID_MASTER_PASSWORD, MASTER_PASSWORD_LOCKED. */
  login: (password: string, from: Asker) => Promise<{ token: string; expiresAt: number; idleSeconds: number }>
  /** The same check, for one call that brings the password itself. */
  checkPassword: (password: string, from: Asker) => Promise<void>
  /** @returns the token's hash. @throws AppError INVALID_TOKEN, TOKEN_EXPIRED. */
  checkToken: (token: string) => Promise<string>
  logout: (hash: string) => Promise<void>
}

export function createMasterAuth(parts: {
  db: Kysely<Tables>
  signer: Pick<Signer, 'checkPassword'>
  clock: Clock
  monotonic: () => number
}): MasterAuth {
  const { db, signer, clock } = parts
  const queue = createPasswordQueue(parts.monotonic)

  const check = async (password: string, from: Asker, via: string) => {
    const outcome = await queue.run(from, async () => {
      const right = await signer.checkPassword(password)
      const now = clock.seconds()
      if (!right) return { wrong: await recordFailure(db, from, now) }
      await recordSuccess(db, from, now, via)
      return 'right'
    })
    if (outcome === 'wrong') throw fail('INVALID_MASTER_PASSWORD', 'The master password is wrong.')
    if (outcome === 'full') {
      throw fail('MASTER_PASSWORD_LOCKED', 'Too many passwords from this address wait for their check.', {
        details: { retryAfterSeconds: FULL_SECONDS },
      })
    }
  }

  return {
    login: async (password, from) => {
      await check(password, from, 'login')
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
    checkPassword: (password, from) => check(password, from, 'header'),
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

/** @returns how many passwords of this lane were wrong lately, this one among them. */
async function recordFailure(db: Kysely<Tables>, from: Asker, now: number): Promise<number> {
  return await immediate(db, async (transaction) => {
    const old = now - FAILURE_SECONDS
    await transaction.deleteFrom('login_failures').where('at', '<', old).execute()
    await transaction
      .insertInto('login_failures')
      .values({ source: laneName(from), at: now })
      .execute()
    await appendEvent(transaction, now, {
      type: 'AUTH_FAILED',
      actor: `source:${from.source}`,
      data: { credential: 'master' },
    })
    const { count } = await transaction
      .selectFrom('login_failures')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('source', '=', laneName(from))
      .executeTakeFirstOrThrow()
    return count
  })
}

/** The failures of the lane stay: where others guess from the same address, each login would free their next tries. */
async function recordSuccess(db: Kysely<Tables>, { source }: Asker, now: number, via: string): Promise<void> {
  const event = { type: 'ADMIN_LOGIN', actor: 'admin', data: { source, via } }
  await immediate(db, (transaction) => appendEvent(transaction, now, event))
}

function laneName({ share, emergency }: Lane): string {
  return emergency ? `stop ${share}` : share
}
