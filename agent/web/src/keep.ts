import type { Outgoing } from './view.ts'

/** What this browser remembers between visits: who it is, which session it looked at, what it could not send. */
export type Keep = {
  clientId: string
  session: () => string | undefined
  setSession: (sessionId: string | undefined) => void
  outgoing: () => Outgoing[]
  setOutgoing: (messages: readonly Outgoing[]) => void
}

const KEYS = { client: 'openpista.client', session: 'openpista.session', outgoing: 'openpista.outgoing' }

/** Over the browser's localStorage. Without the right to use it (a full or forbidden store), nothing outlives the page. */
export function createKeep(storage: Storage, newId: () => string): Keep {
  const read = (key: string) => attempt(() => storage.getItem(key) ?? undefined)
  const write = (key: string, value: string | undefined) =>
    attempt(() => (value === undefined ? storage.removeItem(key) : storage.setItem(key, value)))
  const found = read(KEYS.client)
  const clientId = found ?? newId()
  if (found === undefined) write(KEYS.client, clientId)
  return {
    clientId,
    session: () => read(KEYS.session),
    setSession: (sessionId) => write(KEYS.session, sessionId),
    outgoing: () => parseOutgoing(read(KEYS.outgoing)),
    setOutgoing: (messages) => {
      const kept = messages.filter(({ state }) => state !== 'accepted')
      write(KEYS.outgoing, kept.length === 0 ? undefined : JSON.stringify(kept))
    },
  }
}

function parseOutgoing(text: string | undefined): Outgoing[] {
  const value: unknown = text === undefined ? [] : attempt(() => JSON.parse(text))
  return Array.isArray(value) ? value.filter(isOutgoing) : []
}

function isOutgoing(value: Partial<Outgoing> | null): value is Outgoing {
  return (
    typeof value === 'object' &&
    typeof value?.id === 'string' &&
    typeof value.text === 'string' &&
    (value.state === 'waiting' || value.state === 'refused')
  )
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    // A store that is full, forbidden or damaged is one that remembers nothing.
    return undefined
  }
}
