import { newId } from '@openpista/common'
import type { Admission, Channel, Inbound, InboundSender } from '../channels/channel.ts'
import type { Announcer } from '../gateway/announcer.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { NewSession } from '../gateway/log-book.ts'
import type { Store } from '../store/store.ts'
import type { Pairing } from './pairing.ts'

export type DoorParts = {
  gateway: Gateway
  pairing: Pairing
  announcer: Announcer
  store: Store
  channels: ReadonlyMap<string, Channel>
  now: () => number
  onFault: (error: unknown) => void
}

/** The owner is told of strangers on a channel at most this often. */
const TELL_OWNER_EVERY_MS = 60 * 60_000

/**
 * Where channels come in. Who may talk is looked up for each message; of what a stranger writes nothing is kept, and
 * no more than a code is answered.
 */
export function createDoor(parts: DoorParts): Admission {
  const { gateway, pairing, announcer, channels, now } = parts
  const told = new Map<string, number>()

  async function greet({ channel, user, chat, thread }: Inbound): Promise<void> {
    const code = await pairing.greet({ channel, user })
    if (code === undefined) return
    if ((told.get(channel) ?? Number.NEGATIVE_INFINITY) + TELL_OWNER_EVERY_MS <= now()) {
      told.set(channel, now())
      await announcer.notice(
        null,
        `Somebody new writes on ${channel}. /pairing tells who, and how to let them in.`,
        'info',
      )
    }
    const place = thread === undefined ? { chat } : { chat, thread }
    const words = { key: `pairing:${newId()}`, ...place, kind: 'text' as const, text: greeting(code) }
    // Not through the outbox: what strangers set off leaves nothing on the disk. Who missed it writes again.
    await channels.get(channel)?.deliver(words)
  }

  const isOwnersOf = async (sender: InboundSender, sessionId: string) => {
    if ((await pairing.roleOf(sender)) !== 'owner') return false
    const session = await parts.store.db
      .selectFrom('sessions')
      .select('channel')
      .where('id', '=', sessionId)
      .executeTakeFirst()
    return session?.channel === sender.channel
  }

  return {
    admit: async (inbound) => {
      const session = sessionOf(inbound)
      const role = await pairing.roleOf(inbound)
      if (role !== undefined) return await gateway.admitTo(session, { ...inbound, owner: role === 'owner' })
      await greet(inbound).catch(parts.onFault)
      return undefined
    },
    answer: async (sender, sessionId, cardId, decision) =>
      (await isOwnersOf(sender, sessionId)) &&
      (await gateway.answer(sessionId, cardId, decision, `owner:${sender.channel}`)),
    cancel: async (sender, sessionId) => {
      const mayCancel = await isOwnersOf(sender, sessionId)
      if (mayCancel) await gateway.cancel(sessionId)
      return mayCancel
    },
  }
}

function sessionOf({ channel, chat, thread }: Inbound): NewSession {
  const address = thread === undefined ? { chat } : { chat, thread }
  return { id: [channel, ...Object.values(address).map(part)].join(':'), channel, address }
}

/** A platform's id as a part of a session's: no two of them make the same. */
function part(id: string): string {
  return id.replace(/[%:]/g, encodeURIComponent)
}

function greeting(code: string): string {
  return `This is somebody's own agent, and it does not know you. Its owner can let you in with this code: ${code}. It is good for an hour.`
}
