import type { ChannelDefinition } from './channel.ts'
import { cli } from './cli.ts'
import { web } from './web.ts'

/** Every way to reach the agent. A new one is a file beside this one and a line here. */
export const channels: readonly ChannelDefinition[] = [web, cli]
