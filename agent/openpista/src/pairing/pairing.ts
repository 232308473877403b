import type { Inbound } from '../channels/channel.ts'
import { appendAudit } from '../store/audit.ts'
import type { Store, Transaction } from '../store/store.ts'
import { isSameCode, newPairingCode } from './code.ts'

/** `owner`: the owner himself, on this channel. `person`: somebody who may talk to the agent. */
export type Role = 'owner' | 'person'

/** Somebody on a channel, by the platform's own id. */
export type Sender = { channel: string; user: string }

/** What the owner's word about a sender came to. */
export type PairingOutcome = { ok: true; sender: Sender } | { ok: false; message: string }

/** Who may talk to the agent. */
export type Pairing = {
  roleOf: (sender: Pick<Inbound, 'channel' | 'user' | 'owner'>) => Promise<Role | undefined>
  /** A stranger wrote. Answers the code to tell him; `undefined`: he gets no answer. */
  greet: (sender: Sender) => Promise<string | undefined>
  /** Those who wait, and those who are known. */
  list: () => Promise<{ waiting: (Sender & { expiresAt: number })[]; known: (Sender & { role: Role; from: Known })[] }>
  /** Lets in whoever was told this code. */
  approve: (code: string, role: Role) => Promise<PairingOutcome>
  /** Turns down a request; the same sender gets no other code within the hour. */
  reject: (sender: Sender) => Promise<PairingOutcome>
  /** Takes back an approval. */
  revoke: (sender: Sender) => Promise<PairingOutcome>
}

type Known = 'configuration' | 'code'

export type PairingParts = {
  store: Store
  now: () => number
  /** The allow-list of the configuration. */
  configured: readonly (Sender & { role: Role })[]
}

const MAX_WAITING = 3
const LIFE_MS = 60 * 60_000
/** A stranger who goes on writing is told his code again, but not more often than this. */
const TELL_EVERY_MS = 10 * 60_000
/** Wrong codes within the life of a code, all together: forty bits are not guessed in ten. */
const MAX_WRONG = 10
const MAX_ID = 200

export function createPairing({ store, now, configured }: PairingParts): Pairing {
  let wrong: number[] = []

  async function roleOf({ channel, user, owner }: Pick<Inbound, 'channel' | 'user' | 'owner'>) {
    if (owner) return 'owner'
    const named = configured.find((one) => one.channel === channel && one.user === user)
    if (named !== undefined) return named.role
    const row = await store.db
      .selectFrom('senders')
      .select('role')
      .where('channel', '=', channel)
      .where('user', '=', user)
      .executeTakeFirst()
    return row?.role
  }

  /** Looks before it writes: a flood of messages costs no writing. */
  async function greet(sender: Sender): Promise<string | undefined> {
    if (sender.user.length > MAX_ID) return undefined
    const { mine, places } = await look(store.db, sender, now())
    if (mine === undefined && places <= 0) return undefined
    if (mine !== undefined && (mine.state === 'REJECTED' || mine.told_at + TELL_EVERY_MS > now())) return undefined
    return await store.write((transaction) => tell(transaction, sender, now()))
  }

  async function approve(code: string, role: Role): Promise<PairingOutcome> {
    wrong = wrong.filter((at) => at + LIFE_MS > now())
    if (wrong.length >= MAX_WRONG) return { ok: false, message: TOO_MANY }
    // Counted before it is looked up, for many may be tried at once.
    wrong.push(now())
    const waiting = await requests(store.db, now()).where('state', '=', 'WAITING').execute()
    // All are compared, so that the time says nothing about which one it was.
    const [found] = waiting.filter((request) => isSameCode(code, request.code))
    const done = found !== undefined && (await store.write((transaction) => admit(transaction, found, role, now())))
    if (found === undefined || !done)
      return { ok: false, message: 'Nobody waits with this code. A code is good for an hour, and for one use.' }
    wrong.pop()
    return { ok: true, sender: { channel: found.channel, user: found.user } }
  }

  return {
    roleOf,
    greet,
    list: async () => {
      const waiting = await requests(store.db, now()).where('state', '=', 'WAITING').orderBy('expires_at').execute()
      const rows = await store.db.selectFrom('senders').selectAll().orderBy('created_at').execute()
      return {
        waiting: waiting.map(({ channel, user, expires_at }) => ({ channel, user, expiresAt: expires_at })),
        known: [
          ...configured.map((one) => ({ ...one, from: 'configuration' as const })),
          ...rows.map(({ channel, user, role }) => ({ channel, user, role, from: 'code' as const })),
        ],
      }
    },
    approve,
    reject: async (sender) => {
      const done = await store.write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('pairing_requests')
          .set({ state: 'REJECTED' })
          .where('channel', '=', sender.channel)
          .where('user', '=', sender.user)
          .where('state', '=', 'WAITING')
          .executeTakeFirstOrThrow()
        return await noted(transaction, numUpdatedRows, { at: now(), type: 'pairing.rejected', sender })
      })
      return done ? { ok: true, sender } : { ok: false, message: 'Nobody waits under this name.' }
    },
    revoke: async (sender) => {
      const done = await store.write(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('senders')
          .where('channel', '=', sender.channel)
          .where('user', '=', sender.user)
          .executeTakeFirstOrThrow()
        return await noted(transaction, numDeletedRows, { at: now(), type: 'pairing.revoked', sender })
      })
      if (done) return { ok: true, sender }
      const named = configured.some(({ channel, user }) => channel === sender.channel && user === sender.user)
      return { ok: false, message: named ? 'It stands in config.toml; remove it there.' : 'Nobody is let in so.' }
    },
  }
}

const TOO_MANY = 'There were too many wrong codes. Wait an hour, or restart the gateway.'

/** What can still be a request: those that are over count no more. */
function requests(db: Store['db'] | Transaction, now: number) {
  return db.selectFrom('pairing_requests').selectAll().where('expires_at', '>', now)
}

/** The sender's own request, and how many more the channel may hold. */
async function look(db: Store['db'] | Transaction, { channel, user }: Sender, now: number) {
  const all = await requests(db, now).where('channel', '=', channel).execute()
  const waiting = all.filter(({ state }) => state === 'WAITING')
  return { mine: all.find((request) => request.user === user), places: MAX_WAITING - waiting.length }
}

/** The code to tell, written down. */
async function tell(transaction: Transaction, sender: Sender, now: number): Promise<string | undefined> {
  await transaction.deleteFrom('pairing_requests').where('expires_at', '<=', now).execute()
  const { mine, places } = await look(transaction, sender, now)
  if (mine === undefined) {
    if (places <= 0) return undefined
    const code = newPairingCode()
    const { channel, user } = sender
    const row = { channel, user, code, state: 'WAITING' as const, told_at: now, expires_at: now + LIFE_MS }
    await transaction.insertInto('pairing_requests').values(row).execute()
    return code
  }
  if (mine.state === 'REJECTED' || mine.told_at + TELL_EVERY_MS > now) return undefined
  await transaction
    .updateTable('pairing_requests')
    .set({ told_at: now })
    .where('channel', '=', mine.channel)
    .where('user', '=', mine.user)
    .execute()
  return mine.code
}

/** Takes the request away and lets the sender in; false when somebody else was faster. */
async function admit(transaction: Transaction, { channel, user }: Sender, role: Role, now: number): Promise<boolean> {
  const { numDeletedRows } = await transaction
    .deleteFrom('pairing_requests')
    .where('channel', '=', channel)
    .where('user', '=', user)
    .where('state', '=', 'WAITING')
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n) return false
  await transaction
    .insertInto('senders')
    .values({ channel, user, role, created_at: now })
    .onConflict((conflict) => conflict.columns(['channel', 'user']).doUpdateSet({ role }))
    .execute()
  return await noted(transaction, numDeletedRows, {
    at: now,
    type: 'pairing.approved',
    sender: { channel, user },
    role,
  })
}

type Decided = { at: number; type: string; sender: Sender; role?: Role }

async function noted(transaction: Transaction, rows: bigint, { at, type, sender, role }: Decided): Promise<boolean> {
  if (rows === 0n) return false
  const { channel, user } = sender
  const data = role === undefined ? { channel, user } : { channel, user, role }
  await appendAudit(transaction, at, { type, sessionId: null, data })
  return true
}
