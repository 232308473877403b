import { createHash } from 'node:crypto'
import { type Clock, immediate } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { Signer } from '../../signer/signer.ts'
import { appendEvent } from '../../store/events.ts'
import { readSetting, settingKeys, writeSetting } from '../../store/settings.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'

/** How long tokens of the key before stay good, and how soon a key may be followed by the next. */
export const GRACE_SECONDS = 300

type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

export type SessionKey = { kid: string; key: HmacKey }

export type SessionKeys = {
  /** Signs new tokens. */
  current: () => SessionKey
  /** The key with this id, if its tokens are good now; `retiring` for the one that was followed by another. */
  find: (kid: string) => (SessionKey & { retiring: boolean }) | undefined
  /** @throws AppError ROTATION_TOO_RECENT. */
  rotate: () => Promise<{ rotatedAt: number; oldTokensUntil: number }>
}

type Stored = { generation: number; rotatedAt: number }

/** The keys that sign session tokens. They live in the signer; which one is in use is stored here. */
export async function createSessionKeys(parts: {
  db: Kysely<Tables>
  signer: Pick<Signer, 'secret'>
  clock: Clock
}): Promise<SessionKeys> {
  const { db, signer, clock } = parts
  const load = async (generation: number) => await importKey(await signer.secret(secretName(generation)))
  const stored = await readStored(db)
  let rotatedAt = stored.rotatedAt
  let current = await load(stored.generation)
  let previous = stored.generation === 0 ? undefined : await load(stored.generation - 1)

  return {
    current: () => current,
    find: (kid) => {
      if (kid === current.kid) return { ...current, retiring: false }
      const inGrace = clock.seconds() < rotatedAt + GRACE_SECONDS
      return kid === previous?.kid && inGrace ? { ...previous, retiring: true } : undefined
    },
    rotate: async () => {
      const known = await readStored(db)
      assertRested(known, clock.seconds())
      const next: Stored = { generation: known.generation + 1, rotatedAt: clock.seconds() }
      const key = await load(next.generation)
      await immediate(db, async (transaction) => {
        assertRested(await readStored(transaction), next.rotatedAt)
        await writeSetting(transaction, settingKeys.sessionKey, JSON.stringify(next))
        const data = { generation: next.generation }
        await appendEvent(transaction, next.rotatedAt, { type: 'KEY_ROTATED', actor: 'admin', data })
        previous = current
        current = key
        rotatedAt = next.rotatedAt
      })
      return { rotatedAt, oldTokensUntil: rotatedAt + GRACE_SECONDS }
    },
  }
}

function assertRested(stored: Stored, now: number): void {
  const left = stored.rotatedAt + GRACE_SECONDS - now
  if (stored.generation === 0 || left <= 0) return
  throw fail('ROTATION_TOO_RECENT', 'The key was changed less than 5 minutes ago.', {
    details: { retryAfterSeconds: left },
  })
}

async function readStored(db: Kysely<Tables>): Promise<Stored> {
  const text = await readSetting(db, settingKeys.sessionKey)
  return text === undefined ? { generation: 0, rotatedAt: 0 } : (JSON.parse(text) as Stored)
}

function secretName(generation: number): string {
  return generation === 0 ? 'session-tokens' : `session-tokens-${generation}`
}

async function importKey(secret: Uint8Array): Promise<SessionKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', new Uint8Array(secret), algorithm, false, ['sign', 'verify'])
  return { key, kid: createHash('sha256').update('kid').update(secret).digest('hex').slice(0, 16) }
}
