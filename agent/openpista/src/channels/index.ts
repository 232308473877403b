import { cli } from './cli.ts'
import type { ChannelDefinition } from './definition.ts'
import { web } from './web.ts'

/** Every way to reach the agent. A new one is a file beside this one and a line here. */
export const channels: readonly ChannelDefinition[] = [web, cli]
