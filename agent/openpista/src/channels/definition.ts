import type { Access } from '../gateway/access.ts'
import type { ConnectionParts } from '../gateway/connection.ts'
import type { HttpParts } from '../gateway/http.ts'
import type { Channel } from './channel.ts'

/** What the program gives to a channel that it makes: each takes what is its own. */
export type ChannelParts = {
  /** For channels whose clients speak the gateway protocol. */
  connection: Omit<ConnectionParts, 'channel'>
  access: Access
  web: Omit<HttpParts, 'access'> & { port: number; onListening: (port: number) => void }
  cli: { socketPath: string }
}

/**
 * A member of `channels/index.ts`. `local`: only the owner reaches it, by files of his machine; what decides about other
 * people is said there.
 */
export type ChannelDefinition = { name: string; local?: true; create: (parts: ChannelParts) => Channel }

/** Ties a channel's factory to its type. */
export function defineChannel(definition: ChannelDefinition): ChannelDefinition {
  return definition
}
